"""The images that are given as files, folders, arrays and Pillow images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from sk_fer.datasets._image_tree import walk_folder
from sk_fer.faces._photo import each_cell


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
