"""Scaling of pixel values over each image or over the data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._layout import SIDE, Layout, from_images
from sk_fer.preprocessing._base import ImageTransformer

_ROUNDING = 10 * np.finfo(np.float32).eps


class ImageStandardizer(OneToOneFeatureMixin, ImageTransformer):
    """Scale images to a common range or variance, as float32.

    The images are returned in the layout in which they are passed.

    Parameters
    ----------
    method : {"image", "dataset", "minmax"}, default="image"
        The method. "image" gives each image zero mean and unit variance. "dataset" gives each
        pixel zero mean and unit variance over the images seen in `fit`. "minmax" scales each
        image to the range 0 to 1.
    image_shape : int or tuple of int, default=None
        The shape of images that are flat rows, (height, width) or (height, width, n_channels),
        or the side of a square. If None, the images are square if the number of features is a
        square number, and have a height of one otherwise.

    Attributes
    ----------
    mean_ : ndarray of shape (h, w, c), dtype float32
        The mean of each pixel. Defined only if ``method="dataset"``.
    scale_ : ndarray of shape (h, w, c), dtype float32
        The standard deviation of each pixel, or 1 for a pixel that does not vary. Defined only
        if ``method="dataset"``.
    image_shape_ : tuple of int
        The shape (height, width, n_channels) of the images seen in `fit`.
    n_features_in_ : int
        The number of values in each image seen in `fit`.
    feature_names_in_ : ndarray of str
        The names of the columns seen in `fit`. Defined only if X was a DataFrame.

    See Also
    --------
    HistogramEqualizer : Equalize the histogram of each image.
    sklearn.preprocessing.StandardScaler : Standardize the columns of a table in float64.

    Notes
    -----
    A constant image becomes zero; with "dataset", a constant pixel does. All channels of an
    image have the same scale. X is processed in small batches, so that uint8 images need no
    more memory than the float32 result.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.preprocessing import ImageStandardizer
    >>> X = np.array([[0, 0, 10, 10], [50, 150, 150, 250]], dtype=np.uint8)
    >>> ImageStandardizer().fit_transform(X)
    array([[-1.       , -1.       ,  1.       ,  1.       ],
           [-1.4142135,  0.       ,  0.       ,  1.4142135]], dtype=float32)
    >>> ImageStandardizer(method="minmax").fit_transform(X)
    array([[0. , 0. , 1. , 1. ],
           [0. , 0.5, 0.5, 1. ]], dtype=float32)
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({"image", "dataset", "minmax"})],
        "image_shape": [tuple, list, SIDE, None],
    }

    _needs_picture = False
    _learned_arrays = {"mean_": ("method", "dataset"), "scale_": ("method", "dataset")}

    def __init__(
        self, method: str = "image", *, image_shape: int | Sequence[int] | None = None
    ) -> None:
        self.method = method
        self.image_shape = image_shape

    def _learn(self, images: np.ndarray) -> None:
        if self.method != "dataset":
            return
        scaler = StandardScaler()
        for batch in self._batches(images):
            scaler.partial_fit(from_images(images[batch], Layout.FLAT))
        self.mean_ = scaler.mean_.astype(np.float32).reshape(self.image_shape_)
        self.scale_ = scaler.scale_.astype(np.float32).reshape(self.image_shape_)

    def _transform_batch(self, images: np.ndarray) -> np.ndarray:
        images = images.astype(np.float32)
        if self.method == "dataset":
            images -= self.mean_
            images /= self.scale_
            return images
        rows = from_images(images, Layout.FLAT)  # a view: what follows changes images
        if self.method == "image":
            mean = rows.mean(axis=1, keepdims=True)
            rows -= mean
            spread = rows.std(axis=1, keepdims=True)
            constant = spread <= _ROUNDING * np.abs(mean)
        else:
            rows -= rows.min(axis=1, keepdims=True)
            spread = rows.max(axis=1, keepdims=True)
            constant = spread == 0
        rows[constant[:, 0]] = 0
        spread[constant] = 1
        rows /= spread
        return images

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.requires_fit = self.method == "dataset"
        return tags
