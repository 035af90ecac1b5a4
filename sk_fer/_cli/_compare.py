"""``sk-fer compare``: trains several models on the same images and compares them."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from sk_fer._cli import _options as opt
from sk_fer._cli._console import console, say
from sk_fer._cli._data import Faces, Source, read_faces
from sk_fer._cli._models import fit_parameters
from sk_fer._cli._outputs import check_output, output_folder, write_figure, write_file, write_json
from sk_fer._cli._report import show_faces
from sk_fer._utils._metrics import METRICS
from sk_fer.estimators import NETWORKS
from sk_fer.model_selection import compare as compare_classifiers
from sk_fer.model_selection import make_classifiers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

EXAMPLES = """
Examples:

sk-fer compare fer2013.csv --model dense --model fast --epochs 8

sk-fer compare my-faces/ --image-size 48 --model sequential --model vgg --subset test
"""

DEFAULT_MODELS = ("dense", "sequential", "fast")

# For each column of the printed table: title, factor and format of the values.
_SPEED_COLUMNS = {
    "parameters": ("weights\nM", 1e-6, ".2f"),
    "train_seconds": ("train\ns", 1, ",.1f"),
    "train_images_per_second": ("train\nimg/s", 1, ",.0f"),
    "predict_images_per_second": ("predict\nimg/s", 1, ",.0f"),
}
_OTHER_COLUMNS = {
    "log_loss": ("log\nloss", 1, ".3f"),
    "model_bytes": ("file\nMB", 1e-6, ".1f"),
}

FILES = ("comparison.csv", "comparison.json", "comparison.png")

_SUBSETS = ("validation", "test")


def _check_models(models: list[str] | None) -> list[str] | None:
    check = opt.one_of(NETWORKS)
    for model, times in Counter(models).items():
        check(model)
        if times > 1:
            raise typer.BadParameter(f"{model!r} is given {times} times; give each model once")
    return models


def compare(
    data: opt.Data = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NETWORK",
            callback=_check_models,
            help=f"Network to compare: {', '.join(NETWORKS)}. Can be given several times. "
            f"[default: {', '.join(DEFAULT_MODELS)}]",
        ),
    ] = None,
    epochs: opt.Epochs = None,
    fraction: opt.Fraction = 1.0,
    settings: opt.Settings = None,
    subset: Annotated[
        str,
        typer.Option(
            "--subset",
            metavar=f"[{'|'.join(_SUBSETS)}]",
            callback=opt.split_of(_SUBSETS),
            help="Split to score on: validation to choose a model, test to report the score of the "
            "chosen one.",
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
    out: opt.Out = Path("sk-fer-compare"),
    force: opt.Force = False,
) -> None:
    """Train several models on the same images, one by one, and compare them in a table.

    Each model is trained on the training split, with the same defaults as in train, and scored on
    the split of --subset. If a model fails, the others are still compared, and the exit code is 1.
    No model file is written: use train for the chosen model.
    """
    opt.check_share("--fraction", fraction, most=1, may_be_all=True)
    source = Source(
        data, ferplus, classes, image_size, skip_bad, test_size, seed, color, data_format
    )
    parameters = fit_parameters(
        data, max_epochs=epochs, random_state=seed, device=device, precision=precision
    )
    extra = opt.parse_settings(settings or [], "--set")
    parameters |= {name: opt.parse_value(text) for name, text in extra.items()}
    try:
        classifiers = make_classifiers(model or DEFAULT_MODELS, **parameters)
    except TypeError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from error
    for classifier in classifiers.values():
        opt.check_parameters(classifier)  # before the data is read

    check_output(out, FILES, force=force)
    faces = read_faces(source)
    show_faces(faces)
    rows = faces.rows("train", fraction)
    faces.rows(subset)
    with output_folder(out):
        table = _fit_and_score(classifiers, faces, rows, subset)
        failed = table.index[table["error"].notna()].tolist()
        say(f"\n[bold]{subset.capitalize()}[/]: {len(faces.rows(subset)):,} images")
        console.print(_printed(table))
        facts = {"subset": subset, "fraction": fraction, "n_train": len(rows)}
        _save(out, classifiers, faces, table, facts)
    say(escape(f"Wrote {', '.join(FILES)} into {out}"))
    if table["error"].eq("interrupted").any():
        raise KeyboardInterrupt
    if failed:
        raise ValueError(f"these models failed and have no scores: {', '.join(failed)}")


def _fit_and_score(
    classifiers: dict[str, Any], faces: Faces, rows: Any, subset: str
) -> "pd.DataFrame":
    """Compare the models, and show the progress of each training."""
    from sk_fer._cli._progress import training_progress  # imports torch, which is slow

    scored = faces.rows(subset)
    splits = (
        faces.images_of(rows),
        faces.target[rows],
        faces.images_of(scored),
        faces.target[scored],
    )
    with training_progress() as progress:
        for classifier in classifiers.values():
            classifier.set_params(callbacks=[progress])
        groups = None if faces.groups is None else faces.groups[rows]
        table = compare_classifiers(classifiers, *splits, groups=groups, verbose=1)
    for classifier in classifiers.values():
        classifier.set_params(callbacks=None)
    return table


def _columns() -> dict[str, tuple[str, float, str]]:
    scores = {
        name: ((metric.title[0].lower() + metric.title[1:]).replace(" ", "\n", 1), 1, ".1%")
        for name, metric in METRICS.items()
    }
    return {**_SPEED_COLUMNS, **scores, **_OTHER_COLUMNS}


def _printed(table: "pd.DataFrame") -> Table:
    """Return the comparison as a table of at most 80 columns of text."""
    printed = Table(box=box.SIMPLE, show_edge=False, padding=0)
    printed.add_column("model", overflow="fold")
    columns = _columns()
    for title, _, _ in columns.values():
        printed.add_column(title, justify="right", no_wrap=True)
    for name, row in table.iterrows():
        known = row.notna()
        cells = (
            format(row[column] * scale, form) if known[column] else "-"
            for column, (_, scale, form) in columns.items()
        )
        printed.add_row(escape(str(name)), *cells)
    return printed


def _save(
    out: Path,
    classifiers: dict[str, Any],
    faces: Faces,
    table: "pd.DataFrame",
    facts: dict[str, Any],
) -> None:
    from sk_fer._utils._library_versions import library_versions
    from sk_fer.training import resolve_device

    write_file(out / "comparison.csv", table.to_csv)
    write_figure(out / "comparison.png", _figure(table, facts["subset"]))
    rows = json.loads(table.to_json(orient="index"))
    models = {
        name: {
            "classifier": type(classifier).__name__,
            "device": resolve_device(classifier.device),
            "parameters": classifier.get_params(),
            "results": rows[name],
        }
        for name, classifier in classifiers.items()
    }
    write_json(
        out / "comparison.json",
        {**facts, "models": models, "data": faces.facts(), "versions": library_versions()},
    )


def _figure(table: "pd.DataFrame", subset: str) -> "Figure":
    from matplotlib.figure import Figure

    from sk_fer.inspection import ComparisonDisplay

    figure = Figure(figsize=(7.5, 1.2 + 0.85 * len(table)), layout="constrained")
    ComparisonDisplay.from_table(table, ax=figure.subplots())
    figure.suptitle(f"{subset.capitalize()} images")
    return figure
