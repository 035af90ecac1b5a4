"""``sk-fer export``: writes a model as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from sklearn.pipeline import Pipeline

from sk_fer import export_onnx
from sk_fer._cli import _options as opt
from sk_fer._cli._console import say
from sk_fer._cli._models import load_model
from sk_fer.estimators._model_images import image_shape

EXAMPLES = """
Example:

sk-fer export sk-fer-out/model.skfer model.onnx
"""


def export(
    model: opt.ModelFile,
    onnx: Annotated[
        Path,
        typer.Argument(
            metavar="ONNX", parser=opt.local_path, help="File to write.", show_default=False
        ),
    ],
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the file.")] = False,
) -> None:
    """Write a model as an ONNX file, which takes uint8 images and returns probabilities and labels.

    The outputs of the file in ONNX Runtime are compared with those of the model. Requires the extra
    packages of `pip install ".[onnx]"`.
    """
    if onnx.exists() and not force:
        raise FileExistsError(f"{onnx} already exists; use --force to overwrite it")
    fitted = load_model(model)
    try:
        # Images of files are uint8, whatever the first step of the pipeline returns.
        export_onnx(fitted, onnx, dtype="uint8" if isinstance(fitted, Pipeline) else None)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{model}: {error}") from error
    height, width, channels = image_shape(fitted)
    say(
        f"Wrote {escape(str(onnx))}, which takes images of shape "
        f"(n, {height}, {width}, {channels}) and returns probabilities of shape "
        f"(n, {len(fitted.classes_)}) and labels of shape (n,)"
    )
