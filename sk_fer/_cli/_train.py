"""``sk-fer train``: from images to a model file."""

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

sk-fer train fer2013.csv --epochs 40 --set tta=True --out fer2013-cnn

sk-fer train fer2013.csv --epochs 40 --set tta=True --out fer2013-cnn --resume

sk-fer train fer2013.csv --ferplus fer2013new.csv --fraction 0.1 --epochs 8

sk-fer train my-faces/ --model dense --image-size 48 --set "hidden_layer_sizes=(256, 64)"
"""

# In the folder that is written into, for as long as training has not come to its end.
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
    model: opt.Model = "cnn",
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
            help="Go on with a training in DIR that was ended early, if there is one. DATA and the "
            "other options must be the same.",
        ),
    ] = False,
    force: opt.Force = False,
) -> None:
    """Train a classifier on faces, score it, and write it into a folder.

    The splits of DATA are used, such as Training, PublicTest and PrivateTest of FER2013. If it
    has none, images of each class are set aside, of CK+ with all images of a person on one side.
    Parameters that are not given have the defaults of the model. The state of the training is
    written after each epoch, and --resume goes on from it if the training was ended early.
    """
    from sk_fer._cli._progress import training_progress  # skorch, and so torch, take a while

    opt.check_share("--fraction", fraction, most=1, may_be_all=True)
    source = Source(data, ferplus, classes, image_size, skip_bad, test_size, seed, color)
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
            f"{out} holds a training that was cut off; --resume goes on, --force starts anew"
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
            if classifier.checkpoint is None:  # else it was --set
                checkpoint = {"folder": str(checkpoints), "resume": resume}
                classifier.set_params(checkpoint=checkpoint)
            try:
                classifier.fit(faces.images[rows], faces.target[rows], X_val=X_val, y_val=y_val)
            except KeyboardInterrupt:
                say("The same command with --resume goes on from the last whole epoch.")
                raise
            except BlockingIOError:  # the folder belongs to another process
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
    """Whether a folder contains more than the lock of a training, which is a hidden file."""
    return any(not path.name.startswith(".") for path in folder.glob("*"))


def _save(
    out: Path, classifier: Any, faces: Faces, scores: dict[str, Score], facts: dict[str, Any]
) -> None:
    from sk_fer.estimators._persistence import library_versions

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
    # Last, so that a model is never there without what tells of it.
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
    say(escape(f"      sk-fer predict {model} face.png"))
