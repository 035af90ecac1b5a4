"""``sk-fer export``: writes a model as an ONNX file."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from sklearn.pipeline import Pipeline

from sk_fer import export_onnx
from sk_fer._cli import _options as opt
from sk_fer._cli._console import say
from sk_fer._cli._data import Source, read_faces
from sk_fer._cli._models import load_model
from sk_fer.estimators._model_images import image_shape

EXAMPLES = """
Examples:

sk-fer export sk-fer-out/model.skfer model.onnx

sk-fer export sk-fer-out/model.skfer model.onnx --int8 fer2013.csv
"""


def export(
    model: opt.ModelFile,
    onnx: Annotated[
        Path,
        typer.Argument(
            metavar="ONNX", parser=opt.local_path, help="File to write.", show_default=False
        ),
    ],
    int8: Annotated[
        Path | None,
        typer.Option(
            "--int8",
            metavar="DATA",
            parser=opt.local_path,
            help="Labelled faces, as DATA of train, with at least 1,000 in the validation "
            "split. The file then computes in integers of 8 bits, if that is faster on this "
            "machine and loses less than 0.3 points of accuracy on that split.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite the file.")] = False,
) -> None:
    """Write a model as an ONNX file, which takes uint8 images and returns probabilities and labels.

    The outputs of the file in ONNX Runtime are compared with those of the model. Requires the extra
    packages of `pip install ".[onnx]"`.
    """
    if onnx.exists() and not force:
        raise FileExistsError(f"{onnx} already exists; use --force to overwrite it")
    fitted = load_model(model)
    measured: dict[str, Any] = {}
    if int8 is not None:
        X, y = read_faces(Source(int8), image_shape=image_shape(fitted)).part("validation")
        measured = {"quantize": "int8", "X": X, "y": y}
    # Images of files are uint8, whatever the first step of the pipeline returns.
    dtype = "uint8" if isinstance(fitted, Pipeline) else None
    try:
        report = export_onnx(fitted, onnx, dtype=dtype, **measured)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{model}: {error}") from error
    height, width, channels = image_shape(fitted)
    say(
        f"Wrote {escape(str(onnx))}, which takes images of shape "
        f"(n, {height}, {width}, {channels}) and returns probabilities of shape "
        f"(n, {len(fitted.classes_)}) and labels of shape (n,)"
    )
    if report is not None:
        say(report.summary)
