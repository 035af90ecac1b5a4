"""``sk-fer predict``: the expressions in image files."""

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
            help="MODEL is a file that ends in .skfer, or in .joblib, .pickle or .pkl; loading one "
            "of the last three can run any code. Without it, the model of FER2013 that is part of "
            "sk_fer is used. IMAGE are image files, folders of images, and patterns such as "
            "'faces/*.jpg'.",
            show_default=False,
        ),
    ],
    top: Annotated[
        int, typer.Option("--top", "-k", min=1, metavar="K", help="Number of classes to show.")
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
    skip_bad: Annotated[
        bool,
        typer.Option(
            "--skip-bad", help="The exit code is 0 if at least one of the images can be read."
        ),
    ] = False,
) -> None:
    """Predict which expression each image shows, with the probabilities.

    Each image must be a face, cropped as the images that the model was trained on: the command
    does not look for faces, and warns of pictures that are likely to show more than one face.
    Images of any size and colour are converted to what the model takes. Images that cannot be
    read are named on stderr; the others are still answered, and the exit code is 1.
    """
    classifier, images = _model_and_images(arguments)
    paths, problems = find_pictures(images)
    faces: list[dict[str, Any]] = []
    if paths:
        table = predict_images(classifier, paths, on_error="skip")
        problems += table["error"].dropna().tolist()
        faces = _most_probable(table[table["error"].isna()], classifier.classes_.tolist(), top)
    for problem in problems:
        show_error(problem)
    if faces:
        _show(faces, as_json=as_json)
    if problems and not (skip_bad and faces):
        raise typer.Exit(1)


def _model_and_images(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the model that the first argument names, or that of sk_fer, and the images."""
    first, *others = arguments
    if not is_model_file(first):
        print(
            "sk-fer: without MODEL, the answers are those of sk_fer's own model, which was trained "
            "on FER2013",
            file=sys.stderr,
        )
        return load_pretrained(), arguments
    if not others:
        raise typer.BadParameter(f"got the model {first} and no image", param_hint="IMAGE")
    model = local_path(first)
    classifier = load_model(model)
    if not hasattr(classifier, "predict_proba"):
        raise ValueError(f"{model}: the {type(classifier).__name__} in it gives no probabilities")
    return classifier, others


def _most_probable(table: "pd.DataFrame", labels: list[Any], top: int) -> list[dict[str, Any]]:
    """Return the most probable classes of each image."""
    faces = []
    for path, row in zip(table.index, table[labels].to_numpy(), strict=True):
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
