"""Images that are one face, already cropped."""

from __future__ import annotations

import numpy as np

from sk_fer.faces._crop import square_of
from sk_fer.faces._detected import DetectedFaces
from sk_fer.faces._photo import Photo

# The crops of YuNet in images of FER2013 are 0.75 to 1.4 times as wide as these, in 95 % of them.
_SMALL = 64  # pixels
_FILLED = 0.75  # the side of the face as a fraction of that of the image
_MOST_TIMES_LONGER = 1.3


class Whole:
    """The detector "whole", which takes each image as one face."""

    def find(self, photo: Photo) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the box of the image, and no score and landmarks."""
        height, width = photo.size
        return np.array([[0.0, 0.0, width, height]]), np.array([np.nan]), None


def is_small(photo: Photo) -> bool:
    """Whether an image is so small that it is a cropped face and no photograph."""
    return max(photo.size) <= _SMALL and _is_squarish(photo) and min(photo.size) > 1


def is_filled(photo: Photo, faces: DetectedFaces) -> bool:
    """Whether the crop of the largest face would be nearly the whole image."""
    if not len(faces) or not _is_squarish(photo):
        return False
    return square_of(faces, 0).side >= _FILLED * max(photo.size)


def has_one_color(photo: Photo) -> bool:
    """Whether all pixels of an image are equal."""
    return bool((photo.pixels == photo.pixels[0, 0]).all())


def _is_squarish(photo: Photo) -> bool:
    return max(photo.size) <= _MOST_TIMES_LONGER * min(photo.size)
