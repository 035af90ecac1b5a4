"""A fitted classifier as one ONNX graph: stored images in, probabilities and labels out."""

import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sk_fer._utils._write_aside import write_aside

if TYPE_CHECKING:
    from sk_fer.estimators._base import BaseFERClassifier

# Largest difference of a probability between ONNX Runtime and predict_proba in float32.
TOLERANCE = 1e-4


def export_onnx(estimator: "BaseFERClassifier", path: str | os.PathLike[str]) -> None:
    """Write a fitted classifier as :meth:`BaseFERClassifier.export_onnx` says.

    Parameters
    ----------
    estimator : BaseFERClassifier
        Fitted; it is not changed.
    path : str or path-like
        File to write.

    Raises
    ------
    ImportError
        If `onnx`, `onnxscript` or `onnxruntime` is missing.
    OSError
        If the file cannot be written.
    ValueError
        If ONNX Runtime computes other probabilities than ``predict_proba``.
    """
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        raise OSError(f"{path}: wanted the name of a file in a folder that exists")
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'export_onnx needs {error.name}: pip install "sk_fer[onnx]"', name=error.name
        ) from error
    reference = _float32_copy(estimator)
    images = _sample_images(reference)
    model = _trace(reference, images)
    _finish(model, reference.classes_)
    serialized = model.SerializeToString()
    _verify(serialized, reference, images)
    with write_aside(path) as aside:
        aside.write_bytes(serialized)


class _Probabilities(nn.Module):
    """What ``predict_proba`` computes, and the position of the largest."""

    def __init__(self, module: nn.Module, tta: bool) -> None:
        super().__init__()
        self.module = module
        self.tta = tta

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        probabilities = self.module(images).softmax(1)
        if self.tta:
            probabilities = (probabilities + self.module(images.flip(2)).softmax(1)) / 2
        return probabilities, probabilities.argmax(1)


def _float32_copy(estimator: "BaseFERClassifier") -> "BaseFERClassifier":
    """Return what a model file would bring back, on the CPU and in float32."""
    state = estimator.__getstate__()
    state.pop("feature_names_in_", None)  # the sample images have none
    state["_stored_net"].update(device="cpu", precision="float32")
    copy = type(estimator).__new__(type(estimator))
    copy.__setstate__(state)
    return copy


def _sample_images(reference: "BaseFERClassifier") -> NDArray:
    """Return noise like the images of the fit, and one image without any contrast."""
    prepare: Any = reference.net_.module_.prepare
    dtype = np.dtype(reference._image_dtype)
    rng = np.random.default_rng(0)
    shape = (5, *reference.image_shape_)
    if prepare.normalize == "dataset":
        images = rng.normal(prepare.mean.numpy(), prepare.std.numpy(), shape)
    else:
        images = rng.uniform(0, 255 if dtype == np.uint8 else 1, shape)
    images[0] = images[0, 0, 0]
    return (images.round().clip(0, 255) if dtype == np.uint8 else images).astype(dtype)


def _trace(reference: "BaseFERClassifier", images: NDArray) -> Any:
    """Return the network as an ONNX model that gives class positions for labels."""
    # Channels-last filters, which training likes best, would be traced as extra steps.
    module = reference.net_.module_.to(memory_format=torch.contiguous_format)
    with _quiet():
        program = torch.onnx.export(
            _Probabilities(module, reference.tta).eval(),
            (torch.from_numpy(images),),
            input_names=["images"],
            output_names=["probabilities", "position"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks, on torchvision and its own insides, to itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _finish(model: Any, classes: NDArray) -> None:
    """Turn positions into labels, and say what the file is in place of how it was made."""
    from onnx import TensorProto, helper, numpy_helper

    from sk_fer import __version__

    graph = model.graph
    for entries in (graph.node, graph.input, graph.output, graph.initializer):
        for entry in entries:
            # The exporter's notes for debugging: stack traces, with the paths of this machine.
            entry.ClearField("metadata_props")
            entry.ClearField("doc_string")
    graph.ClearField("metadata_props")
    # Runtimes infer inner shapes; quantizers stumble over those of weights that they transpose.
    graph.ClearField("value_info")
    is_text = classes.dtype.kind not in "biuf"
    labels = numpy_helper.from_array(
        classes.astype(str).astype(object) if is_text else classes, "classes"
    )
    graph.initializer.append(labels)
    graph.node.append(helper.make_node("Gather", ["classes", "position"], ["label"]))
    del graph.output[1]
    element = TensorProto.STRING if is_text else labels.data_type
    graph.output.append(helper.make_tensor_value_info("label", element, ["n"]))
    graph.name = "sk_fer"
    model.producer_name, model.producer_version = "sk_fer", __version__
    model.ClearField("metadata_props")
    names = classes.astype(str) if is_text else classes
    helper.set_model_props(model, {"classes": json.dumps(names.tolist())})


def _verify(serialized: bytes, reference: "BaseFERClassifier", images: NDArray) -> None:
    """Compare ONNX Runtime's answers with the estimator's own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(serialized, options, ["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"images": images})
    difference = np.abs(found - reference.predict_proba(images)).max()
    if not difference <= TOLERANCE:
        raise ValueError(
            f"the ONNX graph of this {type(reference).__name__} gives probabilities that are "
            f"{difference:.2g} off those of predict_proba; wanted {TOLERANCE:g} at most, and "
            "nothing was written"
        )
