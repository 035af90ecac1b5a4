"""``sk-fer export``: a model for machines without Python."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from sklearn.pipeline import Pipeline

from sk_fer._cli import _options as opt
from sk_fer._cli._console import say
from sk_fer._cli._models import load_model

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
    """Write a model as an ONNX file, from stored images to probabilities and labels.

    It is checked with ONNX Runtime against the model. Needs `pip install "sk_fer[onnx]"`.
    """
    if onnx.exists() and not force:
        raise FileExistsError(f"{onnx} is there already; --force overwrites it")
    classifier = _classifier_alone(load_model(model), model)
    classifier.export_onnx(onnx)
    height, width, channels = classifier.image_shape_
    say(
        f"Wrote {escape(str(onnx))}: takes images (n, {height}, {width}, {channels}), gives "
        f"probabilities (n, {len(classifier.classes_)}) and label (n)"
    )


def _classifier_alone(model: Any, path: Path) -> Any:
    """Return a model, or the last step of a pipeline that has no other."""
    if isinstance(model, Pipeline):
        *steps, (_, model) = model.steps
        before = [type(step).__name__ for _, step in steps if step not in (None, "passthrough")]
        if before:
            raise ValueError(
                f"{path}: a pipeline of {', '.join(before)} before the {type(model).__name__}, and "
                "an ONNX file holds the network only; give it a model trained on images as they "
                "are stored, or call export_onnx of the pipeline's last step and prepare the "
                "images yourself"
            )
    if not hasattr(model, "export_onnx"):
        raise ValueError(
            f"{path}: the {type(model).__name__} in it cannot be written as ONNX; wanted a "
            "classifier of sk_fer"
        )
    return model
