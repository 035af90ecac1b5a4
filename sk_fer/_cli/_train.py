"""``sk-fer train``: trains a classifier and writes a model file."""

import shlex
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sk_fer import make_classifier, save_model
from sk_fer._cli import _options as opt
from sk_fer._cli._console import say
from sk_fer._cli._data import Faces, Source, read_faces
from sk_fer._cli._models import fit_parameters
from sk_fer._cli._outputs import check_output, output_folder, write_figure, write_file, write_json
from sk_fer._cli._report import Score, history_figure, score_split, show_faces

EXAMPLES = """
Examples:

sk-fer train

sk-fer train fer2013.csv --epochs 40 --set tta=True --out fer2013-fast

sk-fer train fer2013.csv --epochs 40 --set tta=True --out fer2013-fast --resume

sk-fer train fer2013.csv --ferplus fer2013new.csv --fraction 0.1 --epochs 8

sk-fer train my-faces/ --model dense --image-size 48 --set "hidden_layer_sizes=(256, 64)"
"""

# A folder in the output folder, which exists until the training is complete.
CHECKPOINTS = "checkpoints"

CONFUSION_MATRICES = {"validation": "confusion_matrix.png", "test": "confusion_matrix_test.png"}

FILES = (
    "model.skfer",
    "report.json",
    "history.csv",
    "history.png",
    *CONFUSION_MATRICES.values(),
)


def train(
    data: opt.Data = None,
    model: opt.Model = "fast",
    epochs: opt.Epochs = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size", "-b", min=1, metavar="N", help="Images per step of the optimizer."
        ),
    ] = None,
    lr: Annotated[float | None, typer.Option("--lr", metavar="RATE", help="Learning rate.")] = None,
    fraction: opt.Fraction = 1.0,
    settings: opt.Settings = None,
    data_format: opt.Format = "auto",
    ferplus: opt.Ferplus = None,
    classes: opt.Classes = None,
    image_size: opt.ImageSize = None,
    color: opt.Color = False,
    skip_bad: opt.SkipBad = False,
    test_size: opt.TestSize = 0.1,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    precision: opt.Precision = "auto",
    out: opt.Out = Path("sk-fer-out"),
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            "-r",
            help="Continue an interrupted training in DIR, if there is one. DATA and the other "
            "options must be the same.",
        ),
    ] = False,
    force: opt.Force = False,
) -> None:
    """Train a classifier on faces, score it, and write it to a folder.

    The splits of DATA are used, such as Training, PublicTest and PrivateTest of FER2013. If DATA
    has no splits, a share of each class is set aside for validation and for test (in CK+, no
    subject is in two splits). Options that are not given have the defaults of the model. A
    checkpoint is written after each epoch: if the training is interrupted, --resume continues it.
    """
    from sk_fer._cli._progress import training_progress  # imports torch, which is slow

    opt.check_share("--fraction", fraction, most=1, may_be_all=True)
    source = Source(
        data, ferplus, classes, image_size, skip_bad, test_size, seed, color, data_format
    )
    parameters = fit_parameters(
        data,
        max_epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        random_state=seed,
        device=device,
        precision=precision,
    )
    classifier = make_classifier(model, **parameters)
    extra = opt.parse_settings(settings or [], "--set")
    opt.check_names(extra, classifier, "--set")
    classifier.set_params(**{name: opt.parse_value(value) for name, value in extra.items()})
    opt.check_parameters(classifier)

    checkpoints = out / CHECKPOINTS
    cut_off = _has_checkpoints(checkpoints)
    if cut_off and not (resume or force):
        raise FileExistsError(
            f"{out} contains an interrupted training; use --resume to continue it, or --force to "
            "start again"
        )
    check_output(out, FILES, force=force or cut_off)
    faces = read_faces(source)
    show_faces(faces)
    rows = faces.rows("train", fraction)
    X_val, y_val = faces.part("validation")
    with output_folder(out):
        say(
            f"Training {model} on {len(rows):,} images, epochs: {classifier.max_epochs} "
            "(loss and accuracy: training / validation)"
        )
        start = time.perf_counter()
        with training_progress() as progress:
            classifier.set_params(callbacks=[progress])
            if classifier.checkpoint is None:  # it can be given with --set
                checkpoint = {"folder": str(checkpoints), "resume": resume}
                classifier.set_params(checkpoint=checkpoint)
            try:
                classifier.fit(faces.images_of(rows), faces.target[rows], X_val=X_val, y_val=y_val)
            except KeyboardInterrupt:
                say("Run the same command with --resume to continue after the last complete epoch.")
                raise
            except BlockingIOError:  # another process uses the folder
                raise
            except Exception:
                if not _has_checkpoints(checkpoints):
                    shutil.rmtree(checkpoints, ignore_errors=True)
                raise
        classifier.set_params(callbacks=None, checkpoint=None)
        seconds = time.perf_counter() - start

        say("")
        scores = {split: score_split(classifier, faces, split) for split in faces.held_out()}
        if "test" not in scores:
            say("There is no test split.")
        facts = {
            "model": model,
            "fraction": fraction,
            "n_train": len(rows),
            "seconds": round(seconds, 1),
        }
        _save(out, classifier, faces, scores, facts)
        shutil.rmtree(checkpoints, ignore_errors=True)
    _say_what_is_next(out, faces)


def _has_checkpoints(folder: Path) -> bool:
    """Whether a folder contains files other than the lock, which is a hidden file."""
    return any(not path.name.startswith(".") for path in folder.glob("*"))


def _save(
    out: Path, classifier: Any, faces: Faces, scores: dict[str, Score], facts: dict[str, Any]
) -> None:
    from sk_fer._utils._library_versions import library_versions

    history = classifier.history_
    write_json(
        out / "report.json",
        {
            **facts,
            "classifier": type(classifier).__name__,
            "parameters": classifier.get_params(),
            "n_epochs": classifier.n_epochs_,
            "data": faces.facts(),
            "accuracy": {split: score.report.accuracy for split, score in scores.items()},
            "per_class": {split: score.report.scores for split, score in scores.items()},
            "versions": library_versions(),
        },
    )
    write_file(out / "history.csv", lambda path: history.to_csv(path, index=False))
    write_figure(out / "history.png", history_figure(classifier))
    for split, file in CONFUSION_MATRICES.items():
        if split in scores:
            write_figure(out / file, scores[split].figure())
        else:
            (out / file).unlink(missing_ok=True)
    # The model is written last, so that a model always has its report.
    save_model(classifier, out / "model.skfer")


def _say_what_is_next(out: Path, faces: Faces) -> None:
    split = faces.held_out()[-1]
    model = shlex.quote(str(out / "model.skfer"))
    arguments = " ".join(
        [*replace(faces.source, image_size=None, color=False).arguments(), "--subset", split]
    )
    written = ", ".join(file for file in FILES if (out / file).exists())
    say(escape(f"Wrote {written} into {out}"))
    say(escape(f"Next: sk-fer evaluate {model} {arguments}"))
    if faces.source.data is None:
        say("This model knows drawn faces only. Give DATA to train a model for photographs.")
    else:
        say(escape(f"      sk-fer predict {model} face.png"))
