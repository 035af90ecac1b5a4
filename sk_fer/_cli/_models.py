"""Model files, and what a model wants to be given."""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

import sk_fer
from sk_fer.preprocessing import ImageReader, ImageResizer, PixelParser

# Their reading can run code: what a file is called, not what is in it, says that it may.
_PICKLED = {".joblib", ".pickle", ".pkl"}

_NO_STEP = (None, "passthrough")

# Drawn faces are few and easy: more steps an epoch and fewer epochs than real ones want.
FACES_SETTINGS = {"max_epochs": 6, "batch_size": 32, "augment": {"flip": 0.5}}


def is_model_file(name: str) -> bool:
    """Return whether a file is a model and no image, by its name or as a zip archive."""
    path = Path(name)
    is_named_so = path.suffix in {".skfer", *_PICKLED}
    return is_named_so or (path.is_file() and zipfile.is_zipfile(path))


def load_model(path: Path) -> Any:
    """Load a fitted classifier; of a joblib file any of scikit-learn's.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds anything else.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; wanted the model.skfer of sk-fer train")
    if path.suffix not in _PICKLED:
        model = sk_fer.load_model(path)
        if not is_classifier(model):
            raise ValueError(f"{path}: contains a {type(model).__name__}; wanted a classifier")
        return model
    try:
        model = joblib.load(path)
    except Exception as error:  # unpickling what is no pickle raises nearly anything
        raise ValueError(
            f"{path}: not a model that can be read, {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(model, BaseEstimator) and is_classifier(model)):
        raise ValueError(f"{path}: contains a {type(model).__name__}; wanted a classifier")
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ValueError(f"{path}: the {type(model).__name__} in it is not fitted") from None
    return model


def fit_parameters(data: Path | None, **given: Any) -> dict[str, Any]:
    """Return the parameters that were given, and without data those for drawn faces."""
    known = {name: value for name, value in given.items() if value is not None}
    return {**(FACES_SETTINGS if data is None else {}), **known}


def read_report(model: Path) -> dict[str, Any]:
    """Return what ``report.json`` beside a model says of its data; nothing without one."""
    try:
        return dict(json.loads((model.parent / "report.json").read_text("utf-8"))["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def image_shape(model: Any) -> tuple[int, int, int]:
    """Return height, width and channels of the images that a model takes.

    Of a pipeline that begins with an :class:`~sk_fer.preprocessing.ImageReader` or a
    :class:`~sk_fer.preprocessing.PixelParser`, these are the images that come out of it.

    Raises
    ------
    ValueError
        If it takes no images, or images of other channels than gray and RGB.
    """
    steps = _steps(model)
    if isinstance(steps[0], PixelParser):
        n_features = steps[0].n_features_out_
    elif isinstance(steps[0], ImageReader):
        return steps[0].image_shape_
    else:
        n_features = getattr(steps[0], "n_features_in_", 0)
    for step in steps:
        shape = getattr(step, "image_shape_", None)
        if shape is not None and math.prod(shape) == n_features:
            if shape[2] not in (1, 3):
                raise ValueError(
                    f"{type(model).__name__} takes images of {shape[2]} channels; wanted a model "
                    "of gray or RGB images"
                )
            return shape
    side = math.isqrt(n_features)
    if side == 0 or side * side != n_features:
        raise ValueError(
            f"{type(model).__name__} takes {n_features} features; wanted a model of square images"
        )
    return side, side, 1


def for_model(model: Any, images: NDArray[np.uint8]) -> tuple[Any, NDArray[np.uint8]]:
    """Bring images to what a model takes.

    Parameters
    ----------
    model : classifier
        Fitted.
    images : ndarray of shape (n, height, width) or (n, height, width, 3), dtype uint8
        Images of any size. Only a model that takes RGB images may be given them in colour.

    Returns
    -------
    model : classifier
        The model. Of a pipeline that begins with a reader of files or of strings of pixels, the
        steps after this reader.
    X : ndarray, dtype uint8
        What this is to be given: flat rows, or images if the reader gave images.
    """
    shape = image_shape(model)
    if images.shape[1:3] != shape[:2]:
        images = ImageResizer(shape[:2]).fit_transform(images)
    if images.ndim == 3 and shape[2] == 3:
        images = np.repeat(images[..., np.newaxis], 3, axis=-1)
    flat = images.reshape(len(images), -1)
    model = getattr(model, "best_estimator_", model)  # of a search
    reader = _steps(model)[0]
    if not isinstance(reader, ImageReader | PixelParser):
        return model, flat
    first = next(i for i, (_, step) in enumerate(model.steps) if step not in _NO_STEP)
    X = reader._flattened(images) if isinstance(reader, ImageReader) else flat
    return model[first + 1 :], X


def _steps(model: Any) -> list[Any]:
    """Return the steps of a pipeline that do something, or a list of the model alone."""
    model = getattr(model, "best_estimator_", model)
    if not isinstance(model, Pipeline):
        return [model]
    return [step for _, step in model.steps if step not in _NO_STEP]
