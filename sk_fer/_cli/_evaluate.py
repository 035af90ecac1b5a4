"""``sk-fer evaluate``: scores a model on labelled images."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sk_fer._cli import _options as opt
from sk_fer._cli._console import say
from sk_fer._cli._data import Source, read_faces
from sk_fer._cli._models import load_model, read_report
from sk_fer._cli._outputs import check_output, output_folder, write_figure
from sk_fer._cli._report import score_split, show_leaks
from sk_fer.estimators._model_images import image_shape

EXAMPLES = """
Examples:

sk-fer evaluate sk-fer-out/model.skfer fer2013.csv --subset test

sk-fer evaluate sk-fer-out/model.skfer my-faces/ --out my-faces-report
"""

_AS_REPORTED = (
    "Use the value that was given to train. [default: the value in report.json beside the model, "
    "if DATA is the same]"
)

SUBSETS = ("train", "validation", "test", "all")


def evaluate(
    model: opt.ModelFile,
    data: opt.Data = None,
    subset: Annotated[
        str | None,
        typer.Option(
            "--subset",
            metavar=f"[{'|'.join(SUBSETS)}]",
            callback=opt.split_of(SUBSETS),
            help="Split to score on. Other names of splits, such as PublicTest, are accepted. "
            "[default: validation. If DATA has no splits: test, or all if the model was trained on "
            "other data]",
        ),
    ] = None,
    data_format: opt.Format = "auto",
    ferplus: opt.Ferplus = None,
    classes: opt.Classes = None,
    skip_bad: opt.SkipBad = False,
    test_size: Annotated[
        float | None,
        typer.Option("--test-size", metavar="F", help=_AS_REPORTED),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", "-s", min=0, help=_AS_REPORTED),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            parser=opt.local_path,
            help="Folder for the confusion matrix, a PNG file.",
        ),
    ] = None,
    force: opt.Force = False,
) -> None:
    """Score a model on labelled faces: precision, recall and F1 of each class, and accuracy.

    If DATA has no splits, it is split as in train, with the same --test-size and --seed. Images are
    resized to the image size of the model. The means are over the classes that have images. If the
    model was trained on another data set, classes are matched by name, and images of classes that
    the model does not know are left out. If it was trained on DATA, the accuracy is printed a
    second time without copies of training images. Images with another crop or compression are
    copies, too.
    """
    given = Source(data, ferplus, classes, skip_bad=skip_bad, format=data_format)
    if test_size is not None:
        opt.check_share("--test-size", test_size, most=0.5)
    if out is not None:
        check_output(out, [], force=force)
    classifier = load_model(model)
    report = read_report(model)
    known = report.get("source") == replace(given, seed=report.get("seed", 0)).name
    if not known:
        report = {}
    source = replace(
        given,
        test_size=report.get("test_size", 0.1) if test_size is None else test_size,
        seed=report.get("seed", 0) if seed is None else seed,
    )
    faces = read_faces(source, image_shape=image_shape(classifier))
    if subset is None:
        subset = "validation" if faces.has_splits else "test" if known else "all"
    say(f"[bold]{escape(faces.source.name)}[/], {subset} images")
    if subset != "all":
        say(f"Splits: {faces.split_note}.")
    if subset in ("train", "all") and known:
        say("The model was trained on some of these images.")
    if out is None:
        show_leaks(faces, score_split(classifier, faces, subset, other_data=not known), known=known)
        return
    file = f"confusion_matrix_{subset}.png"
    check_output(out, [file], force=force)
    faces.rows(subset)
    with output_folder(out):
        score = score_split(classifier, faces, subset, other_data=not known)
        show_leaks(faces, score, known=known)
        write_figure(out / file, score.figure())
    say(escape(f"Wrote {out / file}"))
