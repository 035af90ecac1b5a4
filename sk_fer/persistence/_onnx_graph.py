"""Makes the ONNX graph of a classifier and the steps before it, with torch's exporter."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sk_fer.persistence._onnx_steps import step_module


def make_graph(steps: list[tuple[str, Any]], classifier: Any, images: NDArray) -> Any:
    """Return an ONNX model from images to probabilities and labels.

    Parameters
    ----------
    steps : list of (name, transformer)
        The fitted steps before the classifier.
    classifier : classifier of sk_fer
        The fitted classifier, on the CPU. The memory layout of its weights is changed.
    images : ndarray of shape (n_images, height, width, channels)
        Images of the shape and type that the graph takes.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ValueError
        If a graph cannot contain a step.
    """
    prepare = nn.Sequential(*(step_module(step, name) for name, step in steps))
    graph = _trace(_Probabilities(prepare, classifier).eval(), images)
    _finish(graph, classifier.classes_)
    return graph


class _Probabilities(nn.Module):
    """Computes the probabilities, and the position of the largest one."""

    def __init__(self, prepare: nn.Module, classifier: Any) -> None:
        super().__init__()
        self.prepare = prepare
        # Filters in channels-last order would be traced as extra steps.
        self.module = classifier.net_.module_.to(memory_format=torch.contiguous_format)
        self.tta = classifier.tta

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        images = self.prepare(images)
        probabilities = self.module(images).softmax(1)
        if self.tta:
            probabilities = (probabilities + self.module(images.flip(2)).softmax(1)) / 2
        return probabilities, probabilities.argmax(1)


def _trace(module: nn.Module, images: NDArray) -> Any:
    """Return a module as an ONNX model, which returns class positions instead of labels."""
    with _quiet():
        program = torch.onnx.export(
            module,
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
    """Suppress the messages of the exporter."""
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
    """Convert class positions to labels, and replace the metadata of the exporter."""
    from onnx import TensorProto, helper, numpy_helper

    from sk_fer._version import __version__

    graph = model.graph
    for entries in (graph.node, graph.input, graph.output, graph.initializer):
        for entry in entries:
            # The exporter adds stack traces with paths of this machine.
            entry.ClearField("metadata_props")
            entry.ClearField("doc_string")
    graph.ClearField("metadata_props")
    # Runtimes infer these shapes, and quantizers fail on those of weights that they transpose.
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
