"""Photographs from files, arrays and Pillow images, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sk_fer._utils._column import as_column
from sk_fer._utils._image_file import read_photo, to_pillow, to_pixels


@dataclass(frozen=True, eq=False)
class Photo:
    """The RGB pixels of a photograph, which can be fewer than in its file."""

    name: Any
    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    """The height and width in the file, in its EXIF orientation."""

    @property
    def reduction(self) -> float:
        """How many pixels of the file one pixel is, along a side."""
        return max(self.size) / max(self.pixels.shape[:2])

    def reduced(self, side: int) -> tuple[NDArray[np.uint8], float]:
        """Return the pixels with this longest side, and how many of the file one pixel is."""
        height, width = self.pixels.shape[:2]
        factor = side / max(height, width)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        picture = Image.fromarray(self.pixels).resize(
            size, Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        return np.array(picture), self.reduction / factor


def each_cell(X: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the name of each photograph, which is its path or its position, and its cell in X.

    Raises
    ------
    ValueError
        If X is neither a column of paths, arrays or images of Pillow, nor an array of images.
    """
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if (len(shape) == 2 and shape[1] > 1) or (len(shape) == 3 and shape[2] in (3, 4)):
        raise ValueError(
            f"got X of shape {tuple(shape)}, expected a list of photographs, or an array of shape "
            "(n, height, width) or (n, height, width, 3); pass [image] for a single image"
        )
    cells = X if len(shape) > 2 else as_column(X, "paths or images")
    for position, cell in enumerate(cells):
        yield (os.fspath(cell) if isinstance(cell, str | os.PathLike) else position), cell


def open_photo(name: Any, cell: Any, several_frames: list[str] | None = None) -> Photo:
    """Read one photograph.

    Parameters
    ----------
    name : str or int
        What error messages call it.
    cell : path, ndarray or Image
        The photograph.
    several_frames : list of str, default=None
        A list to which the path is added if the file has more than one frame.

    Raises
    ------
    ValueError
        If it is not a readable image. The message contains the name.
    OSError
        If a file does not exist or cannot be read.
    """
    if isinstance(cell, str | os.PathLike):
        pixels, size = read_photo(cell, several_frames=several_frames)
        return Photo(name, pixels, size)
    try:
        pixels = to_pixels(to_pillow(cell), color=True)
    except ValueError as error:
        raise ValueError(f"image {name}: {error}") from error
    return Photo(name, pixels, (pixels.shape[0], pixels.shape[1]))
