"""Faces by a cascade of local binary patterns, which scikit-image runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from sk_fer.faces._overlap import distinct
from sk_fer.faces._photo import Photo

SEARCH_SIDE = 640

_SMALLEST = 24  # the size of the windows on which the cascade was trained
_SMALLEST_SIDE = 192  # smaller pictures are enlarged
_STEP = 1.1
_NEIGHBORS = 10  # fewer find more faces, and many false ones


def lbp_file() -> Path:
    """Return the file of the cascade in the package scikit-image."""
    from skimage import data

    return Path(data.lbp_frontal_face_cascade_filename())


class LBP:
    """A cascade of local binary patterns for frontal faces in pictures of any size.

    Parameters
    ----------
    file : path
        The XML file of the cascade.
    search_side : int
        The longest side of the picture in which faces are searched.
    """

    def __init__(self, file: Path, search_side: int) -> None:
        from skimage.feature import Cascade

        self._search_side = search_side
        if not file.is_file():
            raise FileNotFoundError(f"{file}: no such file; expected the XML file of a cascade")
        try:
            self._cascade = Cascade(str(file))
        except Exception as error:  # scikit-image does not check the file
            raise ValueError(
                f"{file}: not an XML file of a cascade of local binary patterns: {error}"
            ) from error

    def find(self, photo: Photo) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the boxes, scores and landmarks of the faces, in pixels of the photograph."""
        longest = max(photo.pixels.shape[:2])
        pixels, factor = photo.reduced(min(max(longest, _SMALLEST_SIDE), self._search_side))
        gray = np.asarray(Image.fromarray(pixels).convert("L"))
        found = self._cascade.detect_multi_scale(
            gray,
            scale_factor=_STEP,
            step_ratio=1,
            min_size=(_SMALLEST, _SMALLEST),
            max_size=gray.shape,
            min_neighbor_number=_NEIGHBORS,
        )
        rows = [(box["c"], box["r"], box["width"], box["height"]) for box in found]
        boxes = np.array(rows, dtype=np.float64).reshape(-1, 4) * factor
        boxes = boxes[distinct(boxes, np.argsort(-boxes[:, 2], kind="stable"))]
        return boxes, np.full(len(boxes), np.nan), None
