"""``sk-fer learning-curve``: scores a model by the fraction of the training images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table
from sklearn.utils import Bunch

from sk_fer import make_classifier
from sk_fer._cli import _options as opt
from sk_fer._cli._console import console, say
from sk_fer._cli._data import Source, read_faces
from sk_fer._cli._models import fit_parameters
from sk_fer._cli._outputs import check_output, output_folder, write_figure, write_file
from sk_fer._cli._report import show_faces
from sk_fer.model_selection import learning_curve as learning_curve_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = """
Examples:

sk-fer learning-curve fer2013.csv --epochs 8

sk-fer learning-curve my-faces/ --image-size 48 --model dense --fractions 0.25,0.5,1 --out curve
"""

FILES = ("learning_curve.csv", "learning_curve.png")

_SUBSETS = ("validation", "test")


def learning_curve(
    data: opt.Data = None,
    model: opt.Model = "fast",
    fractions: Annotated[
        str,
        typer.Option(
            "--fractions",
            metavar="F,F,...",
            help="Shares of the training images of each class, each above 0 and at most 1.",
        ),
    ] = "0.1,0.25,0.5,1",
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats",
            min=2,
            metavar="N",
            help="Trainings for each fraction, each with other images and another seed.",
        ),
    ] = 3,
    epochs: opt.Epochs = None,
    settings: opt.Settings = None,
    subset: Annotated[
        str,
        typer.Option(
            "--subset",
            metavar=f"[{'|'.join(_SUBSETS)}]",
            callback=opt.split_of(_SUBSETS),
            help="Split to score on.",
        ),
    ] = "validation",
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
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            parser=opt.local_path,
            help=f"Folder for {' and '.join(FILES)}.",
        ),
    ] = None,
    force: opt.Force = False,
) -> None:
    """Train a model on fractions of the training images, and say which fraction is enough.

    The table has the accuracy and the seconds of training for each fraction. The smallest fraction
    whose mean accuracy is within one standard error of the best one is enough. No model is written.
    """
    shares = opt.parse_values(fractions)
    for share in shares:
        if isinstance(share, bool) or not isinstance(share, int | float):
            raise typer.BadParameter(
                f"got {share!r}, expected numbers separated by commas", param_hint="--fractions"
            )
        opt.check_share("--fractions", share, most=1, may_be_all=True)
    if len(set(shares)) < len(shares):
        raise typer.BadParameter(
            f"got {fractions}, expected each fraction once", param_hint="--fractions"
        )
    source = Source(
        data, ferplus, classes, image_size, skip_bad, test_size, seed, color, data_format
    )
    parameters = fit_parameters(
        data, max_epochs=epochs, random_state=seed, device=device, precision=precision
    )
    classifier = make_classifier(model, **parameters)
    extra = opt.parse_settings(settings or [], "--set")
    opt.check_names(extra, classifier, "--set")
    classifier.set_params(**{name: opt.parse_value(value) for name, value in extra.items()})
    opt.check_parameters(classifier)
    if out is not None:
        check_output(out, FILES, force=force)
    faces = read_faces(source)
    show_faces(faces)
    splits = (*faces.part("train"), *faces.part(subset))
    curve = learning_curve_of(
        classifier, *splits, fractions=shares, n_repeats=repeats, random_state=seed, verbose=1
    )
    say(f"\n[bold]{subset.capitalize()}[/]: {len(splits[3]):,} images")
    console.print(_printed(curve))
    say(curve.summary)
    if out is None:
        return
    with output_folder(out):
        table = curve.table.copy()
        for repeat, scores in enumerate(curve.scores.T, 1):
            table[f"score_{repeat}"] = scores
        write_file(out / FILES[0], table.to_csv)
        write_figure(out / FILES[1], _figure(curve, subset))
    say(escape(f"Wrote {' and '.join(FILES)} into {out}"))


def _printed(curve: Bunch) -> Table:
    printed = Table(box=box.SIMPLE)
    for title in ("fraction", "images", "accuracy", "standard error", "seconds"):
        printed.add_column(title, justify="right")
    for fraction, row in curve.table.iterrows():
        printed.add_row(
            f"{fraction:g}",
            f"{row['n_images']:,.0f}",
            f"{row['score']:.1%}",
            f"{row['standard_error']:.1%}",
            f"{row['seconds']:,.1f}",
            style="bold" if fraction == curve.enough else None,
        )
    return printed


def _figure(curve: Bunch, subset: str) -> "Figure":
    from matplotlib.figure import Figure
    from sklearn.model_selection import LearningCurveDisplay

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    display = LearningCurveDisplay(
        train_sizes=curve.table["n_images"].to_numpy(),
        train_scores=curve.scores,
        test_scores=curve.scores,
        score_name=f"Accuracy on {subset} images",
    )
    display.plot(figure.subplots(), score_type="test", std_display_style="errorbar")
    display.errorbar_[0].set_label("Mean and standard deviation")
    enough = curve.table.loc[curve.enough]
    display.ax_.plot(
        enough["n_images"],
        enough["score"],
        "k*",
        markersize=14,
        label="The smallest fraction that is enough",
    )
    display.ax_.legend(loc="lower right")
    display.ax_.grid(alpha=0.3)
    return figure
