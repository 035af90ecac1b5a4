"""An ONNX graph whose layers compute in integers of 8 bits, and what it gains on this machine."""

import contextlib
import io
import logging
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

N_CALIBRATION = 128
"""The number of images from which the ranges of the layers are read. All layers of all of them are
in memory at once."""
MOST_MEASURED = 4096
"""The largest number of images on which the accuracies are measured."""
FEWEST_IMAGES = 1000
MOST_LOSS = 0.003
"""The loss of accuracy from which the float file is kept."""
LEAST_SPEEDUP = 1.1
BATCH, ROUNDS = 64, 5

# Values beyond this share are cut off: few of them would widen the range of all others.
_PERCENTILE = 99.99
_LAYERS = ["Conv", "Gemm", "MatMul"]
_FEW_CHANNELS = 4  # of images: convolutions of integers over so few are slower than those of floats


class Trial(NamedTuple):
    """A graph with the answers and the speed that were measured."""

    graph: bytes
    accuracy: float
    images_per_second: float


def choose_graph(
    float_graph: bytes, images: NDArray, labels: NDArray, classes: NDArray
) -> tuple[bytes, Bunch]:
    """Return the graph in 8-bit integers if it is faster and as accurate, or the float graph.

    Parameters
    ----------
    float_graph : bytes
        The graph from images to probabilities, as ONNX.
    images : ndarray of shape (n_images, height, width, channels)
        The images, in the type that the graph takes.
    labels : ndarray of shape (n_images,)
        Their labels.
    classes : ndarray of shape (n_classes,)
        The classes in the order of the probabilities.

    Returns
    -------
    graph : bytes
        The graph to write.
    report : Bunch
        What :func:`export_onnx` returns.
    """
    rows = np.random.default_rng(0).permutation(len(images))
    calibration, rest = images[rows[:N_CALIBRATION]], rows[N_CALIBRATION:][:MOST_MEASURED]
    graphs = {"float32": float_graph, "int8": _quantized(float_graph, calibration)}
    trials = _measured(graphs, images[rest], labels[rest], classes)
    loss = trials["float32"].accuracy - trials["int8"].accuracy
    speedup = trials["int8"].images_per_second / trials["float32"].images_per_second
    is_better = speedup >= LEAST_SPEEDUP and loss < MOST_LOSS
    chosen = "int8" if is_better else "float32"
    measured = (
        f"int8 is {speedup:.2f} times as fast as float32 on this machine, and "
        f"{abs(100 * loss):.2f} points {'more' if loss < 0 else 'less'} accurate on "
        f"{len(rest):,} images"
    )
    expected = f"at least {LEAST_SPEEDUP:g} times as fast, and less than {100 * MOST_LOSS:g} points"
    report = Bunch(
        quantized=is_better,
        speedup=speedup,
        accuracy_loss=loss,
        accuracy={name: trial.accuracy for name, trial in trials.items()},
        images_per_second={name: trial.images_per_second for name, trial in trials.items()},
        n_measured=len(rest),
        summary=f"{measured}: the file computes in {chosen}"
        + ("" if is_better else f"; expected {expected}"),
    )
    return trials[chosen].graph, report


def _quantized(float_graph: bytes, images: NDArray) -> bytes:
    """Return the graph with layers in 8-bit integers, with ranges as these images have them."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static

    model = onnx.load_from_string(float_graph)
    with TemporaryDirectory() as folder, _quiet():
        path = Path(folder, "int8.onnx")
        quantize_static(
            model,
            str(path),
            _Images(images),
            op_types_to_quantize=_LAYERS,
            nodes_to_exclude=_first_and_last(model.graph),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": _PERCENTILE},
        )
        quantized = onnx.load(path)
    # The quantizer writes itself into the file, and leaves the rest as it is.
    quantized.producer_name, quantized.producer_version = (
        model.producer_name,
        model.producer_version,
    )
    del quantized.metadata_props[:]
    quantized.metadata_props.extend(onnx.load_from_string(float_graph).metadata_props)
    return quantized.SerializeToString()


def _first_and_last(graph: Any) -> list[str]:
    """Return the names of the convolutions of the images, and of the layer of the logits."""
    n_inputs = {array.name: array.dims[1] for array in graph.initializer if len(array.dims) == 4}
    names = [
        node.name
        for node in graph.node
        if node.op_type == "Conv" and n_inputs.get(node.input[1], 0) <= _FEW_CHANNELS
    ]
    dense = [node.name for node in graph.node if node.op_type in ("Gemm", "MatMul")]
    return names + dense[-1:]


def _measured(
    graphs: dict[str, bytes], images: NDArray, labels: NDArray, classes: NDArray
) -> dict[str, Trial]:
    """Return the accuracy and the speed of each graph; they run in turn."""
    sessions = {name: _session(graph) for name, graph in graphs.items()}
    batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    accuracy = {}
    for name, session in sessions.items():
        labels_found = [classes[_probabilities(session, batch).argmax(1)] for batch in batches]
        accuracy[name] = float(np.mean(np.concatenate(labels_found) == labels))
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(ROUNDS):
        for name, session in sessions.items():
            start = time.perf_counter()
            for batch in batches[:4]:
                _probabilities(session, batch)
            seconds[name].append(time.perf_counter() - start)
    n_images = sum(map(len, batches[:4]))
    return {
        name: Trial(graph, accuracy[name], n_images / statistics.median(seconds[name]))
        for name, graph in graphs.items()
    }


def _session(graph: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])


def _probabilities(session: Any, images: NDArray) -> NDArray:
    return session.run(["probabilities"], {"images": images})[0]


class _Images:
    """Gives images to the quantizer, a batch at a time."""

    def __init__(self, images: NDArray) -> None:
        starts = range(0, len(images), BATCH)
        self._batches: Iterator[NDArray] = (images[start : start + BATCH] for start in starts)

    def get_next(self) -> dict[str, NDArray] | None:
        """Return the next batch, or None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the messages of the quantizer."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
