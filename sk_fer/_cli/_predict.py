"""``sk-fer predict``: the expressions in image files."""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from sk_fer._cli import _options as opt
from sk_fer._cli._console import console
from sk_fer._cli._models import image_shape, load_model
from sk_fer.preprocessing import ImageReader

EXAMPLES = """
Examples:

sk-fer predict sk-fer-out/model.skfer face.png

sk-fer predict sk-fer-out/model.skfer faces/*.jpg --top 1 --json > expressions.json
"""


def predict(
    model: opt.ModelFile,
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Image files.", show_default=False)
    ],
    top: Annotated[
        int, typer.Option("--top", "-k", min=1, metavar="K", help="Classes to show an image.")
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Say which expression each image shows, with the probabilities.

    Each image must be a face, cropped as those that the model was trained on: no face is
    looked for. Any size and colour will do; it is brought to the model's.
    """
    classifier = load_model(model)
    if not hasattr(classifier, "predict_proba"):
        raise ValueError(f"{model}: the {type(classifier).__name__} in it gives no probabilities")
    height, width, channels = image_shape(classifier)
    reader = ImageReader((height, width), color=channels == 3)
    probabilities = classifier.predict_proba(reader.fit_transform(images))

    labels = classifier.classes_.tolist()
    found: list[dict[str, Any]] = []
    for path, row in zip(images, probabilities, strict=True):
        best = np.argsort(-row, kind="stable")[:top]
        shares = {str(labels[i]): round(float(row[i]), 4) for i in best}
        found.append({"image": str(path), "label": labels[best[0]], "probabilities": shares})
    if as_json:
        console.out(json.dumps(found, indent=2), highlight=False)
        return
    table = Table(box=box.SIMPLE)
    table.add_column("image", overflow="fold")
    table.add_column("label", style="bold")
    table.add_column("probabilities")
    for face in found:
        described = ", ".join(f"{name} {p:.1%}" for name, p in face["probabilities"].items())
        table.add_row(*map(escape, (face["image"], str(face["label"]), described)))
    console.print(table)
