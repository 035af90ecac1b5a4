"""``sk-fer report``: writes a report on a model as one HTML page."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sk_fer import load_pretrained
from sk_fer._cli import _options as opt
from sk_fer._cli._console import say, show_warning
from sk_fer._cli._data import Faces, Source, read_faces
from sk_fer._cli._evaluate import SUBSETS
from sk_fer._cli._models import is_model_name, load_model, read_report
from sk_fer._cli._outputs import check_output, output_folder
from sk_fer._cli._report import rows_to_score
from sk_fer.estimators._model_images import image_shape

EXAMPLES = """
Examples:

sk-fer report sk-fer-out/model.skfer fer2013.csv --out report.html

sk-fer report fer2013.csv
"""

# What the model of sk_fer was trained on.
_SHIPPED_FORMATS = ("fer2013",)


def report(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL] [DATA]",
            help="MODEL is a model file (.skfer, or .joblib, .pickle or .pkl; loading the last "
            "three can run any code). Without MODEL, the report is on the model of sk_fer, which "
            "was trained on FER2013. DATA is a file or folder of labelled images, as DATA of "
            "train. With MODEL alone, faces are drawn.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", parser=opt.local_path, help="The HTML file to write."
        ),
    ] = Path("report.html"),
    subset: Annotated[
        str | None,
        typer.Option(
            "--subset",
            metavar=f"[{'|'.join(SUBSETS)}]",
            callback=opt.split_of(SUBSETS),
            help="Split to score on, as in evaluate.",
        ),
    ] = None,
    data_format: opt.Format = "auto",
    ferplus: opt.Ferplus = None,
    classes: opt.Classes = None,
    skip_bad: opt.SkipBad = False,
    test_size: Annotated[
        float | None, typer.Option("--test-size", metavar="F", help="As in evaluate.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", "-s", min=0, help="As in evaluate.")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the file.")] = False,
) -> None:
    """Write a report on a model as one HTML page, which opens without a network connection.

    It describes the images, their copies in the training split, the model, its training, the
    scores with intervals, the calibration, the parts of faces that predictions depend on, the
    most confident errors and suspicious labels. If a part fails, the page and stderr say so.
    Requires the extra packages of `pip install ".[report]"`.
    """
    from sk_fer.inspection import write_report

    model, data = _split_arguments(arguments or [])
    given = Source(data, ferplus, classes, skip_bad=skip_bad, format=data_format)
    if test_size is not None:
        opt.check_share("--test-size", test_size, most=0.5)
    check_output(out.parent, [out.name], force=force)
    classifier = load_pretrained() if model is None else load_model(model)
    beside = {} if model is None else read_report(model)
    known = beside.get("source") == replace(given, seed=beside.get("seed", 0)).name
    beside = beside if known else {}
    source = replace(
        given,
        test_size=beside.get("test_size", 0.1) if test_size is None else test_size,
        seed=beside.get("seed", 0) if seed is None else seed,
    )
    faces = read_faces(source, image_shape=image_shape(classifier))
    if model is None and faces.format in _SHIPPED_FORMATS:
        known = True
    if subset is None:
        subset = "validation" if faces.has_splits else "test" if known else "all"
    rows, notes = rows_to_score(classifier, faces, subset, other_data=not known)
    for note in notes:
        say(escape(note))
    train = None
    if known and subset in ("validation", "test"):
        train = faces.bunch(faces.rows("train"))
    with output_folder(out.parent):
        results = write_report(
            classifier,
            faces.bunch(rows),
            out,
            train=train,
            data_name=f"{faces.source.name}, {subset} images",
            commands=[_command(model, faces, subset, out)],
        )
    for part, reason in results.failed.items():
        show_warning(f"the part {part!r} of the report could not be made: {reason}")
    _say_scores(results)
    say(escape(f"Wrote {out}"))


def _split_arguments(arguments: list[str]) -> tuple[Path | None, Path | None]:
    """Return the paths of the model and of the data, as far as they are given."""
    if not arguments:
        raise typer.BadParameter(
            "got no arguments, expected a file or folder of labelled images such as fer2013.csv, "
            "a model file such as sk-fer-out/model.skfer, or both",
            param_hint="[MODEL] [DATA]",
        )
    if len(arguments) > 2:
        raise typer.BadParameter(
            f"got {len(arguments)} arguments, expected [MODEL] [DATA]", param_hint="DATA"
        )
    paths: list[Path | None] = [opt.local_path(argument) for argument in arguments]
    if len(paths) == 2:
        return paths[0], paths[1]
    return (paths[0], None) if is_model_name(arguments[0]) else (None, paths[0])


def _command(model: Path | None, faces: Faces, subset: str, out: Path) -> str:
    """Return the command that writes the same report."""
    parts = ["sk-fer report"]
    if model is not None:
        parts.append(shlex.quote(str(model)))
    source = replace(faces.source, image_size=None, color=False)
    return " ".join(
        [*parts, *source.arguments(), "--subset", subset, "--out", shlex.quote(str(out))]
    )


def _say_scores(results: Any) -> None:
    for name, row in results.scores.iterrows():
        say(f"{name}: {row['score']:.3f}, 95 % interval {row['low']:.3f} to {row['high']:.3f}")
    for note in results.notes:
        say(escape(note))
