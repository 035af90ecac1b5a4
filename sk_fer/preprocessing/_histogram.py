"""Equalization of the histogram of an image, or of the region around each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval
from sk_fer._utils._layout import SIDE, check_size
from sk_fer.preprocessing._base import ImageTransformer

_N_LEVELS = 256


class HistogramEqualizer(OneToOneFeatureMixin, ImageTransformer):
    """Equalize the histogram of each image, which removes differences in light.

    The images are returned in the layout in which they are passed.

    Parameters
    ----------
    method : {"global", "adaptive"}, default="global"
        The method. "global" spreads the gray values of the whole image evenly. "adaptive" does
        so in each tile of the image, interpolates between neighbouring tiles, and limits the
        gain in contrast (CLAHE).
    clip_limit : float, default=0.01
        The largest share of the pixels of a tile that is counted for one gray value, in
        (0, 1]. Higher values give more contrast: with 0.01 the contrast grows up to 3.5 times,
        and 1 sets no limit. Only used with ``method="adaptive"``.
    kernel_size : int or tuple of int, default=None
        The height and width of a tile, or the side of a square one. If None, a tile has a
        quarter of the height and of the width of the image. Only used with ``method="adaptive"``.
    image_shape : int or tuple of int, default=None
        The shape of images that are flat rows, (height, width) or (height, width, n_channels),
        or the side of a square. If None, the images are square if the number of features is a
        square number. Other rows are one strip, 1 pixel high, if they have fewer than 64
        values; longer rows are refused, since they could be images of several shapes.

    Attributes
    ----------
    image_shape_ : tuple of int
        The shape (height, width, n_channels) of the images seen in `fit`.
    n_features_in_ : int
        The number of values in each image seen in `fit`.
    feature_names_in_ : ndarray of str
        The names of the columns seen in `fit`. Defined only if X was a DataFrame.

    See Also
    --------
    ImageStandardizer : Scale the values and keep the shape of the histogram.
    skimage.exposure.equalize_hist : The global method for one image.
    skimage.exposure.equalize_adapthist : The adaptive method for one image.

    Notes
    -----
    uint8 images stay uint8. Images of other types become float32 in the range 0 to 1: each
    channel of each image is divided into 256 levels from its lowest to its highest value. Each
    channel is equalized separately. The global method sets a constant image to zero.

    The adaptive method interpolates between tiles and redistributes clipped counts in one pass,
    as OpenCV does. Unlike OpenCV, it does not raise the limit to at least one pixel per level,
    so small tiles do not amplify noise.

    References
    ----------
    .. [1] K. Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV,
       1994, pp. 474-485.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.preprocessing import HistogramEqualizer
    >>> X = np.array([[100, 101, 102, 103]], dtype=np.uint8)
    >>> HistogramEqualizer().fit_transform(X)
    array([[  0,  85, 170, 255]], dtype=uint8)
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({"global", "adaptive"})],
        "clip_limit": [Interval(Real, 0, 1, closed="right")],
        "kernel_size": [tuple, list, SIDE, None],
        "image_shape": [tuple, list, SIDE, None],
    }

    def __init__(
        self,
        method: str = "global",
        *,
        clip_limit: float = 0.01,
        kernel_size: int | Sequence[int] | None = None,
        image_shape: int | Sequence[int] | None = None,
    ) -> None:
        self.method = method
        self.clip_limit = clip_limit
        self.kernel_size = kernel_size
        self.image_shape = image_shape

    def _learn(self, images: np.ndarray) -> None:
        if self.kernel_size is not None:
            check_size(self.kernel_size, "kernel_size")

    def _transform_batch(self, images: np.ndarray) -> np.ndarray:
        n, height, width, n_channels = images.shape
        planes = np.moveaxis(images, -1, 1).reshape(n * n_channels, height, width)
        levels = planes if planes.dtype == np.uint8 else _to_levels(planes)
        if self.method == "global":
            shares = _equalize(levels)
        else:
            quarter = max(1, height // 4), max(1, width // 4)
            size = quarter if self.kernel_size is None else self.kernel_size
            tile_height, tile_width = check_size(size, "kernel_size")
            shares = _equalize_adaptive(levels, tile_height, tile_width, self.clip_limit)
        if planes.dtype == np.uint8:
            shares = np.rint(shares * 255).astype(np.uint8)
        return np.moveaxis(shares.reshape(n, n_channels, height, width), 1, -1)


def _to_levels(planes: np.ndarray) -> np.ndarray:
    """Divide each plane into levels from its lowest to its highest value."""
    low = planes.min(axis=(1, 2), keepdims=True)
    span = planes.max(axis=(1, 2), keepdims=True) - low
    span[span == 0] = 1
    return np.rint((planes - low) / span * (_N_LEVELS - 1)).astype(np.uint8)


def _histograms(levels: np.ndarray) -> np.ndarray:
    """Count each level in each row of a 2-D array."""
    rows = np.arange(len(levels))[:, np.newaxis] * _N_LEVELS
    counts = np.bincount((rows + levels).ravel(), minlength=len(levels) * _N_LEVELS)
    return counts.reshape(len(levels), _N_LEVELS)


def _equalize(planes: np.ndarray) -> np.ndarray:
    """Map each level to the share of pixels below it, the lowest level being zero."""
    levels = planes.reshape(len(planes), -1)
    n_pixels = levels.shape[1]
    cumulated = _histograms(levels).cumsum(axis=1)
    lowest = np.take_along_axis(cumulated, levels.min(axis=1, keepdims=True), axis=1)
    table = (cumulated - lowest) / np.maximum(n_pixels - lowest, 1)
    shares = np.take_along_axis(table.astype(np.float32), levels, axis=1)
    return shares.reshape(planes.shape)


def _equalize_adaptive(
    planes: np.ndarray, tile_height: int, tile_width: int, clip_limit: float
) -> np.ndarray:
    """Map each pixel by the four tiles around it, weighted by their nearness."""
    n, height, width = planes.shape
    n_down, n_across = -(-height // tile_height), -(-width // tile_width)
    spare = (0, n_down * tile_height - height), (0, n_across * tile_width - width)
    padded = np.pad(planes, ((0, 0), *spare), mode="symmetric")
    tiles = padded.reshape(n, n_down, tile_height, n_across, tile_width).swapaxes(2, 3)
    counts = _histograms(tiles.reshape(-1, tile_height * tile_width)).astype(np.float32)
    shares = counts / (tile_height * tile_width)
    clipped = np.minimum(shares, np.float32(clip_limit))
    clipped += (1 - clipped.sum(axis=1, keepdims=True)) / _N_LEVELS
    tables = clipped.cumsum(axis=1).clip(0, 1)

    first = np.arange(n)[:, np.newaxis, np.newaxis] * (n_down * n_across)
    result = np.zeros(planes.shape, dtype=np.float32)
    for down, down_weight in _neighbours(height, tile_height, n_down):
        for across, across_weight in _neighbours(width, tile_width, n_across):
            tile = first + down[:, np.newaxis] * n_across + across
            weight = down_weight[:, np.newaxis] * across_weight
            result += weight * tables.take(tile * _N_LEVELS + planes)
    return np.minimum(result, 1, out=result)  # rounding of the weights may go beyond


def _neighbours(length: int, tile: int, n_tiles: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Find the tiles before and after each pixel of a side, and their weights."""
    position = (np.arange(length) + 0.5) / tile - 0.5
    before = np.floor(position).astype(np.intp)
    after_weight = (position - before).astype(np.float32)
    return [
        (before.clip(0, n_tiles - 1), 1 - after_weight),
        ((before + 1).clip(0, n_tiles - 1), after_weight),
    ]
