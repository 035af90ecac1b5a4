"""``sk-fer predict``: predicts the expressions in image files."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from sk_fer import load_pretrained, predict_images
from sk_fer._cli._console import console, show_error
from sk_fer._cli._models import is_model_file, load_model
from sk_fer._cli._options import local_path
from sk_fer._cli._pictures import find_pictures

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = """
Examples:

sk-fer predict face.png

sk-fer predict sk-fer-out/model.skfer face.png

sk-fer predict sk-fer-out/model.skfer faces/ "more/*.jpg" --top 1 --json > expressions.json
"""


def predict(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] IMAGE...",
            help="MODEL is a model file (.skfer, or .joblib, .pickle or .pkl; loading the last "
            "three can run any code). Without MODEL, the command uses the model of sk_fer, which "
            "was trained on FER2013. IMAGE is an image file, a folder of images, or a pattern such "
            "as 'faces/*.jpg'.",
            show_default=False,
        ),
    ],
    top: Annotated[
        int,
        typer.Option(
            "--top", "-k", min=1, metavar="K", help="Number of most probable classes to show."
        ),
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Exit with code 0 if at least one image can be read."),
    ] = False,
) -> None:
    """Predict the expression in each image, with the probabilities.

    Each image must show one face, cropped like the training images: the command does not detect
    faces, and warns of pictures that are probably not cropped faces. Images of any size and colour
    are accepted. If images cannot be read, they are listed on stderr, the others are still
    predicted, and the exit code is 1.
    """
    classifier, images = _model_and_images(arguments)
    paths, problems = find_pictures(images)
    faces: list[dict[str, Any]] = []
    if paths:
        table = predict_images(classifier, paths, on_error="skip")
        errors = table.iloc[:, -1]  # by position: a class can have any name
        problems += errors.dropna().tolist()
        faces = _most_probable(table[errors.isna()], classifier.classes_.tolist(), top)
    for problem in problems:
        show_error(problem)
    if faces:
        _show(faces, as_json=as_json)
    if problems and not (skip_bad and faces):
        raise typer.Exit(1)


def _model_and_images(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the model in the first argument, or the one of sk_fer, and the other arguments."""
    first, *others = arguments
    if not is_model_file(first):
        print(
            "sk-fer: no MODEL is given; the predictions are those of the model of sk_fer, which "
            "was trained on FER2013",
            file=sys.stderr,
        )
        return load_pretrained(), arguments
    if not others:
        raise typer.BadParameter(
            f"got the model {first} but no image; expected one or more images after it",
            param_hint="IMAGE",
        )
    model = local_path(first)
    classifier = load_model(model)
    if not hasattr(classifier, "predict_proba"):
        raise ValueError(
            f"{model}: contains a {type(classifier).__name__} without predict_proba; expected a "
            "classifier that predicts probabilities"
        )
    return classifier, others


def _most_probable(table: "pd.DataFrame", labels: list[Any], top: int) -> list[dict[str, Any]]:
    """Return the most probable classes of each image."""
    faces = []
    for path, row in zip(table.index, table.iloc[:, 1:-1].to_numpy(), strict=True):
        best = np.argsort(-row, kind="stable")[:top]
        shares = {str(labels[i]): round(float(row[i]), 4) for i in best}
        faces.append({"image": path, "label": labels[best[0]], "probabilities": shares})
    return faces


def _show(faces: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        console.out(json.dumps(faces, indent=2), highlight=False)
        return
    table = Table(box=box.SIMPLE)
    table.add_column("image", overflow="fold")
    table.add_column("label", style="bold")
    table.add_column("probabilities")
    for face in faces:
        described = ", ".join(f"{name} {p:.1%}" for name, p in face["probabilities"].items())
        table.add_row(*map(escape, (face["image"], str(face["label"]), described)))
    console.print(table)
