"""``sk-fer evaluate``: what a model gets right."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sk_fer._cli import _options as opt
from sk_fer._cli._console import say
from sk_fer._cli._data import Source, read_faces
from sk_fer._cli._models import image_shape, load_model
from sk_fer._cli._outputs import output_folder, write_figure
from sk_fer._cli._report import score_split

EXAMPLES = """
Examples:

sk-fer evaluate sk-fer-out/model.joblib fer2013.csv --subset test

sk-fer evaluate sk-fer-out/model.joblib my-faces/ --out my-faces-report
"""

SUBSETS = ("train", "validation", "test", "all")


def _check_subset(subset: str | None) -> str | None:
    if subset is not None and subset not in SUBSETS:
        raise typer.BadParameter(f"{subset!r} is not one of {', '.join(SUBSETS)}")
    return subset


def evaluate(
    model: opt.ModelFile,
    data: opt.Data = None,
    subset: Annotated[
        str | None,
        typer.Option(
            "--subset",
            metavar=f"[{'|'.join(SUBSETS)}]",
            callback=_check_subset,
            help="Split to score on. Without it validation, or all where DATA has no splits.",
        ),
    ] = None,
    ferplus: opt.Ferplus = None,
    classes: opt.Classes = None,
    skip_bad: opt.SkipBad = False,
    test_size: opt.TestSize = 0.1,
    seed: opt.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder for the confusion matrix, a PNG."),
    ] = None,
    force: opt.Force = False,
) -> None:
    """Score a model on labelled faces: precision, recall and F1 of each class, accuracy.

    Where DATA has no splits, --subset validation and --subset test are the images that train
    sets aside with the same --test-size and --seed. Images of another size are brought to
    the model's.
    """
    classifier = load_model(model)
    faces = read_faces(
        Source(data, ferplus, classes, None, skip_bad, test_size, seed),
        image_shape=image_shape(classifier),
    )
    subset = subset or ("validation" if faces.has_splits else "all")
    if out is None:
        score_split(classifier, faces, subset)
        return
    file = f"confusion_matrix_{subset}.png"
    with output_folder(out, [file], force=force):
        write_figure(out / file, score_split(classifier, faces, subset).figure())
    say(escape(f"Wrote {out / file}"))
