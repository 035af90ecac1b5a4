"""The layouts X may come in, and the one that image code works on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from numbers import Integral
from typing import Any

import numpy as np

from sk_fer._utils._constraints import Interval

_SIDE = Interval(Integral, 1, None, closed="left")


class Layout(Enum):
    """How the images lie in X; the value is the number of dimensions."""

    FLAT = 2
    GRAY = 3
    CHANNELS = 4


def as_array(X: Any) -> Any:
    """Return X, made an array if it is a list, or say why it can hold no images.

    scikit-learn checks the rest: this is for what its messages would not explain.

    Parameters
    ----------
    X : array-like
        What was given for images.

    Returns
    -------
    X : ndarray or whatever else has a shape
        Not copied.

    Raises
    ------
    ValueError
        If X is no array, holds strings, or images of different sizes.
    """
    try:
        array = X if hasattr(X, "shape") else np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"got X of type {type(X).__name__} whose rows differ in length, wanted images of one "
            "size"
        ) from error
    kind = getattr(getattr(array, "dtype", None), "kind", "O")
    if array.shape == () or (kind == "O" and len(array.shape) == 1):
        raise ValueError(
            f"got X of type {type(X).__name__} and shape {array.shape}, wanted one array of "
            "images, (n, h * w), (n, h, w) or (n, h, w, c)"
        )
    if kind not in "biufcO":
        raise ValueError(
            f"got X of dtype {array.dtype}, wanted images as numbers; PixelParser reads strings of "
            "pixels and ImageReader files"
        )
    return array


def infer_image_shape(
    n_features: int, image_shape: Sequence[int] | None = None
) -> tuple[int, int, int]:
    """Find the height, width and channels of images given as flat rows.

    Parameters
    ----------
    n_features : int
        The length of a row.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, n_channels). If None, a square where `n_features` is
        a square number, and one strip of height 1 where it is not.

    Returns
    -------
    image_shape : tuple of int
        (height, width, n_channels).

    Raises
    ------
    ValueError
        If `image_shape` is no shape of an image or has not `n_features` pixels.
    """
    if image_shape is None:
        side = math.isqrt(n_features)
        return (side, side, 1) if side * side == n_features else (1, n_features, 1)
    shape = tuple(image_shape)
    if len(shape) not in (2, 3) or not all(_SIDE.is_satisfied_by(side) for side in shape):
        raise ValueError(
            f"got image_shape={image_shape!r}, wanted (height, width) or "
            "(height, width, n_channels), each at least 1"
        )
    if math.prod(shape) != n_features:
        raise ValueError(
            f"got image_shape={image_shape!r}, {math.prod(shape)} values an image, "
            f"where X has {n_features} features"
        )
    height, width, n_channels = (*shape, 1)[:3]
    return height, width, n_channels


def check_size(size: Sequence[int], name: str) -> tuple[int, int]:
    """Return a parameter that should be (height, width) as a tuple, or say what it is."""
    if len(size) != 2 or not all(_SIDE.is_satisfied_by(side) for side in size):
        raise ValueError(f"got {name}={size!r}, wanted (height, width), each a whole number >= 1")
    return int(size[0]), int(size[1])


def to_images(X: np.ndarray, image_shape: Sequence[int] | None = None) -> tuple[np.ndarray, Layout]:
    """View X as images with channels.

    Parameters
    ----------
    X : ndarray of shape (n, h * w * c), (n, h, w) or (n, h, w, c)
        The images, in any layout.
    image_shape : tuple of int, default=None
        Height, width and, where there are several, channels. If None, X's own shape, or
        :func:`infer_image_shape`'s guess for flat rows.

    Returns
    -------
    images : ndarray of shape (n, h, w, c)
        A view of X where NumPy allows.
    layout : Layout
        The layout of X, for :func:`from_images`.

    Raises
    ------
    ValueError
        If X has no such shape, or another one than `image_shape`, or has its channels first.
    """
    if X.ndim not in (2, 3, 4):
        raise ValueError(
            f"got X of shape {X.shape}, wanted flat rows (n, h * w), or images (n, h, w) or "
            "(n, h, w, c)"
        )
    layout = Layout(X.ndim)
    if layout is Layout.FLAT:
        shape = infer_image_shape(X.shape[1], image_shape)
    else:
        shape = (*X.shape[1:], 1)[:3]
        if shape[0] in (1, 3, 4) and shape[2] > 4:
            raise ValueError(
                f"got X of shape {X.shape}, which looks like channels first; wanted (n, h, w, c), "
                "np.moveaxis(X, 1, -1)"
            )
        if image_shape is not None and shape != (*image_shape, 1)[:3]:
            raise ValueError(f"got images of shape {shape}, wanted {(*image_shape, 1)[:3]}")
    return X.reshape(len(X), *shape), layout


def from_images(images: np.ndarray, layout: Layout) -> np.ndarray:
    """Bring images back to the layout that X had.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, c)
        The images; their size need not be the one that X had.
    layout : Layout
        What :func:`to_images` returned with them.

    Returns
    -------
    X : ndarray
        A view of `images` where NumPy allows.
    """
    if layout is Layout.FLAT:
        return images.reshape(len(images), math.prod(images.shape[1:]))
    if layout is Layout.GRAY:
        return images.reshape(images.shape[:3])
    return images
