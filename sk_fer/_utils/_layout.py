"""Converts between the layouts of X and images with channels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from enum import Enum
from numbers import Integral

import numpy as np

from sk_fer._utils._constraints import Interval

SIDE = Interval(Integral, 1, None, closed="left")

# Smaller inputs are treated as features, because they are too small for a face.
SMALLEST_FACE = 8


class Layout(Enum):
    """The layouts of X. The value is the number of dimensions."""

    FLAT = 2
    GRAY = 3
    CHANNELS = 4


def infer_image_shape(
    n_features: int,
    image_shape: int | Sequence[int] | None = None,
    *,
    picture: bool = False,
) -> tuple[int, int, int]:
    """Infer the height, width and channels of images in flat rows.

    Parameters
    ----------
    n_features : int
        The length of a row.
    image_shape : int or tuple of int, default=None
        The shape (height, width) or (height, width, n_channels), or the side of a square. If None,
        it is a square if `n_features` is a square number, and otherwise a strip of height 1.
    picture : bool, default=False
        Whether the shape matters. If True, a row of 8 * 8 or more values that is not a square is
        an error.

    Returns
    -------
    image_shape : tuple of int
        The shape (height, width, n_channels).

    Raises
    ------
    ValueError
        If `image_shape` is not valid or has another number of values than `n_features`, or if it is
        None and the shape is not known.
    """
    if image_shape is None:
        side = math.isqrt(n_features)
        if side * side == n_features:
            return side, side, 1
        if picture and n_features >= SMALLEST_FACE**2:
            raise ValueError(
                f"X has {n_features} features, which is not a square number; set image_shape to "
                f"the shape of the images. {likely_shapes(n_features)}image_shape=(1, "
                f"{n_features}) if the features are not pixels"
            )
        return 1, n_features, 1
    height, width, n_channels = check_image_shape(image_shape)
    if height * width * n_channels != n_features:
        raise ValueError(
            f"got image_shape={image_shape!r}, which has {height * width * n_channels} values, but "
            f"X has {n_features} features; {likely_shapes(n_features)}".rstrip("; ")
        )
    return height, width, n_channels


def likely_shapes(n_features: int) -> str:
    """Return the likely shapes of an image in a flat row. Each ends with a semicolon.

    Examples
    --------
    >>> likely_shapes(3 * 48 * 48).split(";")[0]
    'image_shape=(48, 48, 3) for 48 x 48 pixels in three channels'
    """
    shapes = []
    side = math.isqrt(n_features // 3)
    if 3 * side**2 == n_features:
        shapes.append(
            f"image_shape=({side}, {side}, 3) for {side} x {side} pixels in three channels; "
        )
    high = math.isqrt(n_features)
    while high >= SMALLEST_FACE and n_features % high:
        high -= 1
    wide = n_features // high
    if SMALLEST_FACE <= high < wide <= 2 * high:
        shapes.append(f"image_shape=({high}, {wide}) or ({wide}, {high}) for gray images; ")
    for n_channels, name in ((1, ""), (3, "3 * ")):
        side = math.isqrt(n_features // n_channels)
        more = n_features - n_channels * side**2
        if side >= SMALLEST_FACE and 1 <= more <= SMALLEST_FACE:
            shapes.append(
                f"{n_features} is {name}{side} * {side} + {more}: remove the columns that are not "
                "pixels, such as labels (sklearn.multioutput.ClassifierChain adds some, "
                "MultiOutputClassifier does not); "
            )
    return "".join(shapes)


def warn_of_four_channels(rows: np.ndarray) -> None:
    """Warn if flat rows that are treated as square gray images are probably RGBA pixels.

    Parameters
    ----------
    rows : ndarray of shape (n, n_features)
        The flat rows. They are probably RGBA pixels if in the first hundred rows every fourth value
        or the last quarter of the values is opaque, or if four values each are equal.

    Warns
    -----
    UserWarning
        If they are probably RGBA pixels, with the value of `image_shape` for both cases.
    """
    side, rest = divmod(math.isqrt(rows.shape[1]), 2)
    if 4 * side**2 != rows.shape[1] or rest or side < SMALLEST_FACE:
        return
    pixels = rows[:100].reshape(-1, side**2, 4)
    most = 255 if pixels.max() > 1 else 1
    opaque = (pixels[..., 3] == most).all()
    opaque_plane = (rows[:100, 3 * side**2 :] == most).all()
    in_fours = (pixels == pixels[..., :1]).all()
    blank = (pixels == pixels[:, :1, :1]).all()
    advice = f"set image_shape=({side}, {side}, 4)"
    if opaque_plane:
        advice = f"pass np.moveaxis(X.reshape(-1, 4, {side}, {side}), 1, -1)"
    if (opaque or opaque_plane or in_fours) and not blank:
        warnings.warn(
            f"the {rows.shape[1]} values of a row are treated as a gray image of {2 * side} x "
            f"{2 * side} pixels, but look like {side} x {side} pixels in four channels; {advice}, "
            f"or set image_shape=({2 * side}, {2 * side}) if they are gray",
            stacklevel=4,
        )


def check_integers(
    value: int | Sequence[int], name: str, expected: str, *, lengths: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Return a parameter as a tuple of positive integers.

    Parameters
    ----------
    value : int or sequence of int
        The parameter. A single integer is repeated to the first of `lengths`.
    name : str
        The name of the parameter, for the error message.
    expected : str
        A description of the valid values, for the error message.
    lengths : sequence of int, default=None
        The valid numbers of integers. If None, any number is valid.

    Raises
    ------
    ValueError
        If the parameter is not valid.
    """
    times = lengths[0] if lengths else 1
    numbers = (value,) * times if isinstance(value, Integral) else tuple(value)  # type: ignore[arg-type]
    is_valid = lengths is None or len(numbers) in lengths
    if not is_valid or not all(SIDE.is_satisfied_by(number) for number in numbers):
        raise ValueError(f"got {name}={value!r}, expected {expected}")
    return tuple(int(number) for number in numbers)


def check_image_shape(image_shape: int | Sequence[int]) -> tuple[int, int, int]:
    """Return the parameter `image_shape` as (height, width, n_channels)."""
    expected = "(height, width) or (height, width, n_channels), each at least 1"
    shape = check_integers(image_shape, "image_shape", expected, lengths=(2, 3))
    height, width, n_channels = (*shape, 1)[:3]
    return height, width, n_channels


def check_size(size: int | Sequence[int], name: str) -> tuple[int, int]:
    """Return a parameter that is (height, width), or the side of a square, as (height, width)."""
    expected = "(height, width), each a whole number >= 1, or the side of a square"
    height, width = check_integers(size, name, expected, lengths=(2,))
    return height, width


def to_images(
    X: np.ndarray, image_shape: int | Sequence[int] | None = None, *, picture: bool = False
) -> tuple[np.ndarray, Layout]:
    """View X as images with channels.

    Parameters
    ----------
    X : ndarray of shape (n, h * w * c), (n, h, w) or (n, h, w, c)
        The images, in any layout.
    image_shape : int or tuple of int, default=None
        The shape (height, width) or (height, width, n_channels). If None, it is the shape of X, or
        that of :func:`infer_image_shape` for flat rows.
    picture : bool, default=False
        As in :func:`infer_image_shape`.

    Returns
    -------
    images : ndarray of shape (n, h, w, c)
        A view of X if possible.
    layout : Layout
        The layout of X, for :func:`from_images`.

    Raises
    ------
    ValueError
        If the shape of X is not valid or differs from `image_shape`, or if the channels come first.
    """
    if X.ndim not in (2, 3, 4):
        raise ValueError(
            f"got X of shape {X.shape}, expected flat rows (n, h * w), or images (n, h, w) or "
            "(n, h, w, c)"
        )
    layout = Layout(X.ndim)
    if layout is Layout.FLAT:
        shape = infer_image_shape(X.shape[1], image_shape, picture=picture)
    else:
        shape = (*X.shape[1:], 1)[:3]
        if shape[0] in (1, 3, 4) and shape[2] > 4:
            raise ValueError(
                f"got X of shape {X.shape}, which looks like channels first; expected "
                "(n, h, w, c), as np.moveaxis(X, 1, -1) returns"
            )
        if image_shape is not None and shape != (expected := check_image_shape(image_shape)):
            raise ValueError(f"got images of shape {shape}, expected {expected}")
    return X.reshape(len(X), *shape), layout


def from_images(images: np.ndarray, layout: Layout) -> np.ndarray:
    """Convert images to a layout of X.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, c)
        The images.
    layout : Layout
        The layout, from :func:`to_images`.

    Returns
    -------
    X : ndarray
        A view of `images` if possible.
    """
    if layout is Layout.FLAT:
        return images.reshape(len(images), math.prod(images.shape[1:]))
    if layout is Layout.GRAY:
        return images.reshape(images.shape[:3])
    return images
