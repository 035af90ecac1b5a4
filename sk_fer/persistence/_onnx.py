"""A fitted model as one ONNX graph, from images to probabilities and labels."""

import copy
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._write_aside import write_aside
from sk_fer.persistence._network import rebuilt
from sk_fer.persistence._registry import CLASSIFIERS
from sk_fer.preprocessing import ImageStandardizer
from sk_fer.preprocessing._base import ImageTransformer

Steps = list[tuple[str, Any]]

# Largest difference of a probability between ONNX Runtime and predict_proba in float32.
TOLERANCE = 1e-4


def export_onnx(
    model: BaseEstimator, path: str | os.PathLike[str], *, dtype: str | None = None
) -> None:
    """Write a fitted model as an ONNX file, which runs without Python or torch.

    The graph contains the whole way from images to labels: the steps of a Pipeline, the
    normalization and, where it is set, `tta`. Its input ``images`` has the shape (n_samples,
    height, width, channels), for any number of samples. Its outputs are ``probabilities``, of
    shape (n_samples, n_classes) in the order of ``classes_``, and ``label``, which is what
    ``predict`` returns. The metadata of the file contains ``classes`` as JSON.

    Parameters
    ----------
    model : classifier of sk_fer or Pipeline
        Fitted. A Pipeline ends with a classifier of sk_fer. The steps before it can be
        ImageResizer, HistogramEqualizer with ``method="global"``, ImageStandardizer, and
        scikit-learn's StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler and Normalizer.
    path : str or path-like
        File to write or to replace.
    dtype : {"uint8", "float32"}, default=None
        Type of the input images. None takes the type of the images that the classifier was
        fitted with. It is required where a step of a Pipeline turns images of any type into
        floats.

    Raises
    ------
    ImportError
        If `onnx`, `onnxscript` or `onnxruntime` is missing: ``pip install ".[onnx]"``.
    OSError
        If the file cannot be written.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the model is no classifier of sk_fer and no Pipeline that ends with one.
    ValueError
        If an ONNX graph cannot contain a step, or if ONNX Runtime computes other probabilities
        than ``predict_proba`` for a few generated images. No file is written then.

    See Also
    --------
    save_model : Write a model that Python reads again.

    Notes
    -----
    The graph computes in float32, as ``predict_proba`` does with ``precision="float32"``. Other
    precisions round more.

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
    path = Path(path)
    steps, classifier = _taken_apart(model)
    if path.is_dir() or not path.parent.is_dir():
        raise OSError(f"{path}: expected the name of a file in a folder that exists")
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
    serialized = make_graph(steps, reference, images).SerializeToString()
    _verify(serialized, steps, reference, images)
    with write_aside(path) as aside:
        aside.write_bytes(serialized)


def _taken_apart(model: Any) -> tuple[Steps, Any]:
    """Return the steps before the classifier, by name, and the classifier."""
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
                f"the step {name!r} of the Pipeline, a {type(step).__name__}, is not fitted: the "
                "graph needs the shape of its images. Call fit of the Pipeline first"
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
                f"the step {name!r} of the Pipeline turns images of any type into floats; set "
                "dtype='uint8' or dtype='float32', the type of the images that the graph gets"
            )
    return classifier._image_dtype


def _sample_images(steps: Steps, reference: Any, dtype: str) -> NDArray:
    """Return noise like the images of the fit, and one image without any contrast."""
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
    """Compare ONNX Runtime's answers with the estimator's own."""
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
            f"the ONNX graph of this {type(reference).__name__} gives probabilities that are "
            f"{difference:.2g} off those of predict_proba; expected {TOLERANCE:g} at most, and "
            "nothing was written"
        )


def _prepared(steps: Steps, images: NDArray) -> NDArray:
    """Return images as the classifier of a Pipeline gets them."""
    for _, fitted in steps:
        step = copy.copy(fitted)
        # The generated images are arrays, without names.
        vars(step).pop("feature_names_in_", None)
        step.set_output(transform="default")
        if isinstance(step, ImageTransformer):
            images = step.transform(images)
        else:  # scikit-learn's scalers take flat rows
            rows = step.transform(images.reshape(len(images), -1))
            images = np.asarray(rows).reshape(images.shape)
    return images
