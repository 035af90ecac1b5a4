"""Where the crop of a face lies, and its pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sk_fer.faces._detected import DetectedFaces

# The side of the square that FER2013 crops, relative to the geometric mean of the sides of the box.
# Its center is that of the box. benchmarks/faces.py measured the side for YuNet on Training images;
# that for the cascade is the median over 300 Training images.
_SIDES = {"yunet": 1.04, "lbp": 1.1}

_MOST_TIMES_LARGER = 8  # than the picture, of which the rest would be padding
_LARGEST_TURN = 45.0  # degrees; the landmarks of a face that is turned further are not reliable


class Square(NamedTuple):
    """A square in a photograph, in pixels and degrees, turned counterclockwise."""

    x: float
    y: float
    side: float
    angle: float = 0.0


def square_of(faces: DetectedFaces, i: int, *, margin: float = 0.0, align: bool = True) -> Square:
    """Return the square of a face, in pixels of the photograph.

    Parameters
    ----------
    faces : DetectedFaces
        The faces.
    i : int
        The position of the face among them.
    margin : float, default=0.0
        The fraction of the side that is added on each side.
    align : bool, default=True
        Whether the square is turned with the eyes, if the faces have landmarks.
    """
    left, top, width, height = faces.boxes[i].tolist()
    angle = 0.0
    if align and faces.landmarks is not None:
        (x1, y1), (x2, y2) = faces.landmarks[i, :2].tolist()
        angle = math.degrees(math.atan2(y2 - y1, x2 - x1))
        angle = angle if abs(angle) <= _LARGEST_TURN else 0.0
    side = _SIDES[faces.detector] * math.sqrt(width * height) * (1 + 2 * margin)
    return Square(left + width / 2, top + height / 2, side, angle)


def cut(pixels: NDArray[np.uint8], square: Square, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the pixels in a square, resized with antialiasing.

    Pixels outside of the picture repeat its edge.

    Parameters
    ----------
    pixels : ndarray of shape (h, w) or (h, w, 3), dtype uint8
        The picture.
    square : Square
        The square, in pixels of the picture.
    size : tuple of int
        The height and width of the result.

    Raises
    ------
    ValueError
        If no part of the square is in the picture.
    """
    reach = square.side / 2 * (math.sqrt(2) if square.angle else 1)
    left, right = math.floor(square.x - reach), math.ceil(square.x + reach) + 1
    top, bottom = math.floor(square.y - reach), math.ceil(square.y + reach) + 1
    height, width = pixels.shape[:2]
    is_outside = right <= 0 or bottom <= 0 or left >= width or top >= height
    if is_outside or not 0 < square.side <= _MOST_TIMES_LARGER * max(height, width):
        raise ValueError(
            f"the face at x={square.x:.0f}, y={square.y:.0f} with a side of {square.side:.0f} "
            f"pixels is outside of the picture of {height} x {width} pixels, or much larger"
        )
    inside = pixels[max(top, 0) : bottom, max(left, 0) : right]
    outside = [(max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0))]
    region = np.pad(inside, [*outside, (0, 0)][: pixels.ndim], mode="edge")
    x, y = square.x - left, square.y - top
    picture = Image.fromarray(region)
    if square.angle:
        picture = picture.rotate(square.angle, Image.Resampling.BICUBIC, center=(x, y))
    half = square.side / 2
    box = (  # without the rounding of floats, which can exceed the region
        max(x - half, 0),
        max(y - half, 0),
        min(x + half, picture.width),
        min(y + half, picture.height),
    )
    return np.array(picture.resize(size[::-1], Image.Resampling.BILINEAR, box=box))
