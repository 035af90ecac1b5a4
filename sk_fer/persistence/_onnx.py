"""Writes a fitted model as an ONNX file."""

import copy
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._write_aside import write_aside
from sk_fer.persistence._errors import refuse_search
from sk_fer.persistence._network import rebuilt
from sk_fer.persistence._registry import CLASSIFIERS
from sk_fer.preprocessing import ImageStandardizer
from sk_fer.preprocessing._base import ImageTransformer

Steps = list[tuple[str, Any]]

# Largest difference of a probability between ONNX Runtime and predict_proba in float32.
TOLERANCE = 1e-4


def export_onnx(
    model: BaseEstimator,
    path: str | os.PathLike[str],
    *,
    dtype: str | None = None,
    quantize: str | None = None,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
) -> Bunch | None:
    """Write a fitted model as an ONNX file, which runs without Python and torch.

    The graph computes labels from images. It contains the steps of a Pipeline, the normalization
    and, if it is set, `tta`. Its input ``images`` has the shape (n_samples,
    height, width, channels), for any number of samples. Its outputs are ``probabilities``, of
    shape (n_samples, n_classes) in the order of ``classes_``, and ``label``, which is what
    ``predict`` returns. The metadata of the file contains ``classes`` as JSON.

    Parameters
    ----------
    model : classifier of sk_fer or Pipeline
        The fitted model. A Pipeline must end with a classifier of sk_fer. Its other steps can be
        ImageResizer, HistogramEqualizer with ``method="global"``, ImageStandardizer, and
        scikit-learn's StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler and Normalizer.
    path : str or path-like
        The file to write. An existing file is replaced.
    dtype : {"uint8", "float32"}, default=None
        The type of the input images. If None, it is the type of the images that the classifier
        was fitted on. It is required if a step of a Pipeline converts images to floats.
    quantize : {"int8"}, default=None
        "int8" also makes a graph whose layers compute in integers of 8 bits. It is written if
        ONNX Runtime runs it at least 1.1 times as fast on this machine, and if it loses less
        than 0.3 points of accuracy. Otherwise, the file computes in float32.
    X : array-like of shape (n_samples, ...), default=None
        At least 1,000 images for ``quantize="int8"``, in the type that the graph takes, such as
        images that were set aside from training. The ranges of the integers are chosen for 128
        of them, and the accuracies are measured on at most 4,096 others.
    y : array-like of shape (n_samples,), default=None
        The labels of `X`.

    Returns
    -------
    report : :class:`~sklearn.utils.Bunch` or None
        None without `quantize`. Otherwise, a dictionary-like object with the attributes

        quantized : bool
            Whether the file computes in 8-bit integers.
        speedup : float
            How many times as fast the 8-bit graph is, in batches of 64 images.
        accuracy_loss : float
            The accuracy of the float32 graph minus that of the 8-bit graph, between -1 and 1.
        accuracy, images_per_second : dict of str to float
            The measurements of "float32" and "int8".
        n_measured : int
            The number of images on which the accuracies were measured.
        summary : str
            A sentence about the choice.

    Raises
    ------
    ImportError
        If `onnx`, `onnxscript` or `onnxruntime` is missing: ``pip install ".[onnx]"``.
    OSError
        If the file cannot be written.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the model is neither a classifier of sk_fer nor a Pipeline that ends with one.
    ValueError
        If an ONNX graph cannot contain a step, if the probabilities of ONNX Runtime differ from
        those of ``predict_proba`` for a few generated images, or if `X` and `y` are missing, too
        few or of another shape. In these cases no file is written.

    See Also
    --------
    save_model : Write a model file that :func:`load_model` reads.

    Notes
    -----
    Without `quantize`, the graph computes in float32, like ``predict_proba`` with
    ``precision="float32"``. The probabilities of other precisions differ slightly. The speed of
    8-bit integers depends on the processor: export on the kind of machine that will use the file.

    Examples
    --------
    >>> import tempfile
    >>> from onnxruntime import InferenceSession
    >>> from sk_fer import FERDenseClassifier, export_onnx
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(64, random_state=0)
    >>> model = FERDenseClassifier((16,), max_epochs=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_onnx(model, f"{folder}/model.onnx")
    ...     session = InferenceSession(f"{folder}/model.onnx")
    >>> images = X[:3].reshape(3, 48, 48, 1)
    >>> labels, probabilities = session.run(["label", "probabilities"], {"images": images})
    >>> labels.shape, probabilities.shape
    ((3,), (3, 7))
    """
    refuse_search(model)
    path = Path(path)
    steps, classifier = _taken_apart(model)
    if path.is_dir() or not path.parent.is_dir():
        raise OSError(f"{path}: expected the path of a file in an existing folder")
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'export_onnx requires {error.name}: run pip install ".[onnx]" in the clone of sk_fer',
            name=error.name,
        ) from error
    from sk_fer.persistence._onnx_graph import make_graph

    reference = rebuilt(classifier, device="cpu", precision="float32")
    # The sample images have no names of columns.
    vars(reference).pop("feature_names_in_", None)
    images = _sample_images(steps, reference, _input_dtype(steps, reference, dtype))
    measured = None if quantize is None else _labelled(quantize, X, y, images)
    serialized = make_graph(steps, reference, images).SerializeToString()
    _verify(serialized, steps, reference, images)
    report = None
    if measured is not None:
        from sk_fer.persistence._onnx_int8 import choose_graph

        serialized, report = choose_graph(serialized, *measured, reference.classes_)
    with write_aside(path) as aside:
        aside.write_bytes(serialized)
    return report


def _labelled(
    quantize: str, X: ArrayLike | None, y: ArrayLike | None, like: NDArray
) -> tuple[NDArray, NDArray]:
    """Return the images and labels for ``quantize="int8"``, in the form that the graph takes."""
    from sk_fer.persistence._onnx_int8 import FEWEST_IMAGES

    if quantize != "int8":
        raise ValueError(f"got quantize={quantize!r}, expected 'int8' or None")
    if X is None or y is None:
        raise ValueError(
            "quantize='int8' needs X and y, images with their labels, to choose the ranges of the "
            "integers and to measure the accuracy"
        )
    images, labels = np.asarray(X), column_or_1d(y)
    check_consistent_length(images, labels)
    shape = like.shape[1:]
    if len(images) < FEWEST_IMAGES:
        raise ValueError(
            f"X has {len(images)} images; quantize='int8' needs at least {FEWEST_IMAGES}, to "
            "measure a loss of 0.3 points"
        )
    if images.dtype != like.dtype or images[0].size != math.prod(shape):
        raise ValueError(
            f"X has the shape {images.shape} and the type {images.dtype}; the graph takes images "
            f"of the shape {shape} and the type {like.dtype}"
        )
    return images.reshape(-1, *shape), labels


def _taken_apart(model: Any) -> tuple[Steps, Any]:
    """Return the steps before the classifier with their names, and the classifier."""
    steps: Steps = []
    classifier = model
    if isinstance(model, Pipeline):
        *before, (_, classifier) = model.steps
        steps = [(name, step) for name, step in before if step not in (None, "passthrough")]
    if type(classifier) not in CLASSIFIERS.values():
        raise TypeError(
            f"got a {type(model).__name__} that ends with a {type(classifier).__name__}; expected "
            f"a fitted {', '.join(CLASSIFIERS)}, or a Pipeline that ends with one"
            if classifier is not model
            else f"got a {type(model).__name__}; expected a fitted {', '.join(CLASSIFIERS)}, or a "
            "Pipeline that ends with one"
        )
    check_is_fitted(classifier)
    for name, step in steps:
        if isinstance(step, ImageTransformer) and not hasattr(step, "image_shape_"):
            raise NotFittedError(
                f"the step {name!r} of the Pipeline, a {type(step).__name__}, is not fitted, but "
                "the graph needs the shape of its images; call fit of the Pipeline first"
            )
    return steps, classifier


def _input_dtype(steps: Steps, classifier: Any, dtype: str | None) -> str:
    """Return the type of the images that the graph takes."""
    if dtype is not None:
        if dtype not in ("uint8", "float32"):
            raise ValueError(f"got dtype={dtype!r}, expected 'uint8' or 'float32'")
        return dtype
    for name, step in steps:
        if isinstance(step, ImageStandardizer) or type(step).__module__.startswith("sklearn."):
            raise ValueError(
                f"the step {name!r} of the Pipeline converts images of any type to floats; set "
                "dtype to the type of the input images, 'uint8' or 'float32'"
            )
    return classifier._image_dtype


def _sample_images(steps: Steps, reference: Any, dtype: str) -> NDArray:
    """Return images of noise in the range of the training images, and one constant image."""
    prepare: Any = reference.net_.module_.prepare
    rng = np.random.default_rng(0)
    of_steps = (step.image_shape_ for _, step in steps if hasattr(step, "image_shape_"))
    shape = (5, *next(of_steps, reference.image_shape_))
    if prepare.normalize == "dataset" and not steps:
        images = rng.normal(prepare.mean.numpy(), prepare.std.numpy(), shape)
    else:
        images = rng.uniform(0, 255 if dtype == "uint8" else 1, shape)
    images[0] = images[0, 0, 0]
    return (images.round().clip(0, 255) if dtype == "uint8" else images).astype(dtype)


def _verify(serialized: bytes, steps: Steps, reference: Any, images: NDArray) -> None:
    """Compare the probabilities of ONNX Runtime with those of the estimator."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(serialized, options, ["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"images": images})
    expected = reference.predict_proba(_prepared(steps, images))
    difference = np.abs(found - expected).max()
    if not difference <= TOLERANCE:
        raise ValueError(
            f"the probabilities of the ONNX graph of this {type(reference).__name__} differ from "
            f"those of predict_proba by {difference:.2g}; expected at most {TOLERANCE:g}. No file "
            "was written"
        )


def _prepared(steps: Steps, images: NDArray) -> NDArray:
    """Return the images after the steps before the classifier."""
    for _, fitted in steps:
        step = copy.copy(fitted)
        # The generated images have no feature names.
        vars(step).pop("feature_names_in_", None)
        step.set_output(transform="default")
        if isinstance(step, ImageTransformer):
            images = step.transform(images)
        else:  # scikit-learn's scalers take flat rows
            rows = step.transform(images.reshape(len(images), -1))
            images = np.asarray(rows).reshape(images.shape)
    return images
