"""The images that are given as files, folders, arrays and Pillow images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sk_fer.datasets._image_tree import walk_folder
from sk_fer.faces._photo import each_cell

# A picture that is longer or larger than this probably shows more than one cropped face.
_MOST_TIMES_LONGER = 1.3
_MOST_TIMES_LARGER = 8


def each_image(images: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the name of each image and its path or pixels, or the error of an empty folder."""
    if isinstance(images, str | os.PathLike | Image.Image):
        images = [images]
    elif isinstance(images, Iterator):
        images = list(images)
    for name, cell in each_cell(images):
        if not (isinstance(cell, str | os.PathLike) and os.path.isdir(cell)):
            yield name, cell
            continue
        tree = walk_folder(Path(cell))
        tree.warn_of_not_read()
        for image in tree.images:
            yield image.path, image.path
        if not tree.images:
            yield name, ValueError(f"{cell}: this folder contains no images")


def explain(name: Any, error: Exception) -> str:
    """Return the reason why an image was not read, with its name."""
    if isinstance(error, FileNotFoundError):
        return f"{name}: no such file or folder"
    if isinstance(error, OSError):
        return f"{name}: cannot be read: {error.strerror or error}"
    return str(error)


def warn_unless_cropped(name: str, image: NDArray[np.uint8], shape: tuple[int, int, int]) -> None:
    """Warn of a picture that is probably not one cropped face."""
    height, width = image.shape[:2]
    short, long = sorted((width, height))
    if (image == image[0, 0]).all():
        message = "has only one colour; it shows no face, and its prediction is meaningless"
    elif long > _MOST_TIMES_LONGER * short or short >= _MOST_TIMES_LARGER * max(shape[:2]):
        reason = f"the model takes {shape[1]} x {shape[0]}"
        if long > _MOST_TIMES_LONGER * short:
            reason = "it is far from square"
        message = (
            f"has {width:,} x {height:,} pixels, and {reason}; it is probably not a cropped face, "
            "and then its prediction is meaningless; sk_fer.predict_faces finds the faces in it"
        )
    else:
        return
    warnings.warn(f"{name}: the picture {message}", stacklevel=5)
