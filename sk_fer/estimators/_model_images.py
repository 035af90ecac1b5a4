"""Images of any size, converted to what a fitted classifier or pipeline takes."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_fer.faces import FaceCropper
from sk_fer.preprocessing import ImageReader, ImageResizer, PixelParser

_NO_STEP = (None, "passthrough")


def image_shape(model: Any) -> tuple[int, int, int]:
    """Return the height, width and number of channels of the images that a model takes.

    If the model is a pipeline that begins with an :class:`~sk_fer.preprocessing.ImageReader`, a
    :class:`~sk_fer.faces.FaceCropper` or a :class:`~sk_fer.preprocessing.PixelParser`, they are
    those of the images which this returns.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    ValueError
        If the model does not take images, or if they are neither gray nor RGB.
    """
    steps = _steps(model)
    if isinstance(steps[0], PixelParser):
        n_features = steps[0].n_features_out_
    elif isinstance(steps[0], ImageReader | FaceCropper):
        return steps[0].image_shape_
    else:
        n_features = getattr(steps[0], "n_features_in_", 0)
    for step in steps:
        shape = getattr(step, "image_shape_", None)
        if shape is not None and math.prod(shape) == n_features:
            if shape[2] not in (1, 3):
                raise ValueError(
                    f"{type(model).__name__} takes images of {shape[2]} channels; expected a model "
                    "for gray or RGB images"
                )
            return shape
    side = math.isqrt(n_features)
    if side == 0:
        check_is_fitted(model)
    if side == 0 or side * side != n_features:
        raise ValueError(
            f"{type(model).__name__} takes {n_features} features; expected a model for square "
            "images"
        )
    return side, side, 1


def prepare_images(model: Any, images: NDArray[np.uint8]) -> tuple[Any, NDArray[np.uint8]]:
    """Convert images to what a model takes.

    Parameters
    ----------
    model : classifier
        The fitted classifier, pipeline or search.
    images : ndarray of shape (n, height, width) or (n, height, width, 3), dtype uint8
        Images of any size. They can be RGB only if the model takes RGB images.

    Returns
    -------
    model : classifier
        The model. If it is a pipeline that begins with a reader of files or of strings of pixels,
        the steps after this reader.
    X : ndarray, dtype uint8
        The images for this model: flat rows, or images if the reader returns images.
    """
    shape = image_shape(model)
    if images.shape[1:3] != shape[:2]:
        images = ImageResizer(shape[:2]).fit_transform(images)
    if images.ndim == 3 and shape[2] == 3:
        images = np.repeat(images[..., np.newaxis], 3, axis=-1)
    flat = images.reshape(len(images), -1)
    model = getattr(model, "best_estimator_", model)  # of a search
    reader = _steps(model)[0]
    if not isinstance(reader, ImageReader | FaceCropper | PixelParser):
        return model, flat
    first = next(i for i, (_, step) in enumerate(model.steps) if step not in _NO_STEP)
    X = flat if isinstance(reader, PixelParser) else reader._flattened(images)
    return model[first + 1 :], X


def first_step(model: Any) -> Any:
    """Return the first step of a pipeline that changes its input, or the model."""
    return _steps(model)[0]


def _steps(model: Any) -> list[Any]:
    """Return the steps of a pipeline without those that pass images through, or the model."""
    model = getattr(model, "best_estimator_", model)
    if not isinstance(model, Pipeline):
        return [model]
    return [step for _, step in model.steps if step not in _NO_STEP]
