"""The check of images that estimators and transformers share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sk_fer._utils._as_array import as_array, refuse_one_image
from sk_fer._utils._layout import Layout, from_images, to_images, warn_of_four_channels


def check_images(
    estimator: Any, X: Any, *, reset: bool, picture: bool
) -> tuple[NDArray[Any], Layout]:
    """Check images and return them with channels, as a view if possible.

    scikit-learn sees flat rows, so that `n_features_in_` counts all values of an image.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator or transformer, with the parameter `image_shape`. Its `n_features_in_`,
        `feature_names_in_` and `image_shape_` are set if `reset` is True. If it has no
        `image_shape_` otherwise, it learns nothing and the parameter is used.
    X : array-like of shape (n, h * w * c), (n, h, w) or (n, h, w, c)
        The images.
    reset : bool
        Whether the estimator is being fitted.
    picture : bool
        Whether the height and width of flat rows matter.

    Returns
    -------
    images : ndarray of shape (n, h, w, c), dtype uint8 or float32
        The images.
    layout : Layout
        The layout of X.

    Raises
    ------
    ValueError
        If X is not an array of images, or if the images differ from those of the fit.
    """
    known = not reset and "image_shape_" in vars(estimator)
    image_shape = estimator.image_shape_ if known else estimator.image_shape
    layout = Layout.FLAT
    X = as_array(X)
    if known:
        refuse_one_image(tuple(X.shape), image_shape)
    if len(X.shape) > 2:
        images, layout = to_images(np.asarray(X), image_shape)
        image_shape = images.shape[1:]
        X = from_images(images, Layout.FLAT)
    dtypes = [np.float32, np.uint8]
    with np.errstate(
        over="ignore"
    ):  # values that are too large for float32 are refused as infinite
        if reset or known:
            rows = validate_data(estimator, X, dtype=dtypes, reset=reset)
        else:
            rows = check_array(X, dtype=dtypes, estimator=estimator, input_name="X")
    images, _ = to_images(rows, image_shape, picture=picture)
    if image_shape is None and picture:
        warn_of_four_channels(rows)
    if reset:
        estimator.image_shape_ = images.shape[1:]
    return images, layout
