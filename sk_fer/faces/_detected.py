"""The faces that were found in one photograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class DetectedFaces:
    """The faces that a detector found in one photograph, the largest first.

    ``len(faces)`` is the number of faces, which is 0 if none was found.

    Parameters
    ----------
    name : str or int
        The path of the photograph, or its position if it is an array.
    image_size : tuple of int
        The height and width of the photograph in pixels, after the EXIF orientation was applied.
    boxes : ndarray of shape (n_faces, 4), dtype float64
        The left edge, the top edge, the width and the height of each face, in pixels of the
        photograph. A box can extend past the edges of the photograph.
    scores : ndarray of shape (n_faces,), dtype float64
        The confidence in each face, from 0 to 1, or NaN if the detector has no scores ("lbp").
    landmarks : ndarray of shape (n_faces, 5, 2), dtype float64, or None
        The x and y of five points of each face: the eye on the left side of the picture, the eye
        on the right side, the tip of the nose, and the corners of the mouth on the left and on
        the right side. None if the detector has no landmarks ("lbp").
    detector : str
        The name of the detector: "yunet", "lbp", or "whole" if the image was used as one face that
        is already cropped.

    See Also
    --------
    FaceDetector : The transformer that returns these objects.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.faces import FaceDetector
    >>> (faces,) = FaceDetector("lbp").transform([np.full((60, 80), 128, np.uint8)])
    >>> len(faces), faces.boxes.shape, faces.image_size
    (0, (0, 4), (60, 80))
    """

    name: Any
    image_size: tuple[int, int]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64] | None
    detector: str

    def __len__(self) -> int:
        return len(self.boxes)
