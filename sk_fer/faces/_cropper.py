"""The transformer that crops the face of each photograph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval
from sk_fer._utils._gray_squares import as_data
from sk_fer._utils._image_file import resize_image, warn_of_several_frames
from sk_fer._utils._layout import SIDE, check_size
from sk_fer.faces._crop import Square, cut, square_of
from sk_fer.faces._detected import DetectedFaces
from sk_fer.faces._detector import DETECTORS, FaceDetector
from sk_fer.faces._photo import Photo, each_cell, open_photo
from sk_fer.faces._whole import has_one_color, is_filled, is_small
from sk_fer.preprocessing._base import PixelNamesMixin, refuse_frame_of_images

_LISTED = 5  # photographs that an error message names


class FaceCropper(PixelNamesMixin, TransformerMixin, BaseEstimator):
    """Crop the largest face of each photograph like the images of FER2013.

    It is the first step of a pipeline from photographs to labels. Each photograph gives one image,
    because a pipeline cannot change the number of rows. `sk_fer.predict_faces` classifies all
    faces of each photograph.

    Parameters
    ----------
    image_size : int or tuple of int, default=48
        The height and width of the crops, or the side of a square.
    color : bool, default=False
        Whether to return RGB images instead of gray images.
    detector : {"auto", "yunet", "lbp", "whole"} or FaceDetector, default="auto"
        The detector that finds the faces, see `FaceDetector`. "whole" detects nothing, and takes
        each image as a face that is already cropped.
    margin : float, default=0.0
        The fraction of the side that is added on each side, between -0.4 and 2. With 0, the crops
        are as those of FER2013 and CK+48, which end at the chin and in the upper part of the
        forehead.
    align : bool, default=True
        Whether faces are turned so that the eyes are level. It needs a detector with landmarks,
        "yunet".
    missing : {"raise", "nan"}, default="raise"
        What happens if a photograph has no face. "raise" is an error that names the photographs.
        "nan" returns a row of NaN for it, and then the images are float32.

    Attributes
    ----------
    image_shape_ : tuple of int
        The shape (height, width, n_channels) of the crops.
    n_features_out_ : int
        The number of values in each crop.

    See Also
    --------
    FaceDetector : Find all faces of each photograph.
    sk_fer.predict_faces : Predict the expressions of all faces of each photograph.
    sk_fer.preprocessing.ImageReader : Read images that are already cropped.

    Notes
    -----
    A nearly square image is already cropped, and is used whole, if its sides have at most 64
    pixels, as those of FER2013 and CK+48 have, or if the crop of its largest face would be at least
    three quarters as wide. Parts of a crop outside of the photograph repeat its edge.

    X contains paths or images. The common checks of scikit-learn cannot generate such data and
    skip this class.

    Examples
    --------
    >>> from skimage.data import astronaut
    >>> from sk_fer.faces import FaceCropper
    >>> FaceCropper(detector="lbp").fit_transform([astronaut()]).shape
    (1, 2304)
    """

    _parameter_constraints: dict = {
        "image_size": [tuple, list, SIDE],
        "color": ["boolean"],
        "detector": [StrOptions({"auto", *DETECTORS}), FaceDetector],
        "margin": [Interval(Real, -0.4, 2, closed="both")],
        "align": ["boolean"],
        "missing": [StrOptions({"raise", "nan"})],
    }

    _learned_sizes: tuple[str, ...] = ()

    def __init__(
        self,
        image_size: int | Sequence[int] = 48,
        *,
        color: bool = False,
        detector: str | FaceDetector = "auto",
        margin: float = 0.0,
        align: bool = True,
        missing: str = "raise",
    ) -> None:
        self.image_size = image_size
        self.color = color
        self.detector = detector
        self.margin = margin
        self.align = align
        self.missing = missing

    @property
    def image_shape_(self) -> tuple[int, int, int]:
        """The shape (height, width, n_channels) of the crops."""
        return (*check_size(self.image_size, "image_size"), 3 if self.color else 1)

    @property
    def n_features_out_(self) -> int:
        """The number of values in each crop."""
        return math.prod(self.image_shape_)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters. Nothing is learned.

        Parameters
        ----------
        X : object
            Ignored.
        y : None, default=None
            Ignored. It is there so that the transformer can be a step of a pipeline.

        Returns
        -------
        self : object
            The transformer itself.

        Raises
        ------
        ImportError
            If a package that the detector requires is not installed.
        ValueError
            If a parameter is not valid.
        """
        self.open()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Crop the largest face of each photograph.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame
            The photographs, as for `FaceDetector`: paths, arrays of uint8 or images of Pillow.

        Returns
        -------
        X_new : ndarray of shape (n, h * w), (n, h, w) or (n, h, w, 3), dtype uint8
            The crops, as flat rows if they are gray squares, and as images otherwise. They are
            float32, with rows of NaN, if ``missing="nan"``. `fit` is not needed.

        Raises
        ------
        ImportError
            If a package that the detector requires is not installed.
        OSError
            If a file does not exist or cannot be read.
        ValueError
            If a parameter is not valid, if a photograph is not a readable image, or if one has no
            face and ``missing="raise"``. The message names the path.

        Warns
        -----
        UserWarning
            If only the first frame of a file was read.
        """
        cropping = self.open()
        several_frames: list[str] = []
        without: list[str] = []
        crops = []
        for name, cell in each_cell(X):
            _, found = cropping.find(open_photo(name, cell, several_frames), only_largest=True)
            crops.append(found[0] if len(found) else None)
            if not len(found):
                without.append(name if isinstance(name, str) else f"image {name}")
        warn_of_several_frames(several_frames)
        if without and self.missing == "raise":
            more = f" and {len(without) - _LISTED} more" if len(without) > _LISTED else ""
            raise ValueError(
                f"no face was found in {', '.join(without[:_LISTED])}{more}; leave out "
                'these photographs, set missing="nan" for rows of NaN, or use '
                "sk_fer.predict_faces, which accepts photographs with any number of faces"
            )
        height, width, _ = self.image_shape_
        dtype = np.float32 if self.missing == "nan" else np.uint8
        images = np.empty((len(crops), height, width, *((3,) if self.color else ())), dtype)
        for image, face in zip(images, crops, strict=True):
            image[...] = np.nan if face is None else face
        data = self._flattened(images)
        if data.ndim > 2:
            refuse_frame_of_images(self, data.shape)
        return data

    def _flattened(self, images: np.ndarray) -> np.ndarray:
        return as_data(images)

    def open(self) -> Cropping:
        """Load the detector once, for photographs that arrive one at a time.

        Returns
        -------
        cropping : object
            Its method ``find(photo)`` returns the `DetectedFaces` of an image and the crops of all
            faces. It must not be used by several threads at once, and cannot be pickled.

        Raises
        ------
        ImportError
            If a package that the detector requires is not installed.
        ValueError
            If a parameter is not valid.
        """
        self._validate_params()
        detector = self.detector
        detector = FaceDetector(detector) if isinstance(detector, str) else detector
        return Cropping(self, detector.open())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags


class Cropping:
    """A `FaceCropper` with its detector loaded."""

    def __init__(self, cropper: FaceCropper, search: Any) -> None:
        self.detector = search.detector
        self._search = search
        self._size = cropper.image_shape_[:2]
        self._color = cropper.color
        self._margin, self._align = cropper.margin, cropper.align
        self._whole = FaceDetector("whole").open()

    def find(
        self, photo: Any, *, only_largest: bool = False
    ) -> tuple[DetectedFaces, NDArray[np.uint8]]:
        """Return the faces in a photograph, and their crops.

        Parameters
        ----------
        photo : ndarray of shape (height, width) or (height, width, 3), path or Image
            The photograph.
        only_largest : bool, default=False
            Whether only the largest face is cropped.

        Returns
        -------
        faces : DetectedFaces
            The faces, the largest first. If the image is already cropped, its box is the image and
            its `detector` is "whole".
        crops : ndarray of shape (n_faces, h, w) or (n_faces, h, w, 3), dtype uint8
            The crops.
        """
        if not isinstance(photo, Photo):
            ((name, cell),) = each_cell([photo])
            photo = open_photo(name, cell)
        faces = self._find(photo)
        image = photo.pixels
        if not self._color:
            image = np.array(Image.fromarray(image).convert("L"))
        n_crops = min(len(faces), 1) if only_largest else len(faces)
        crops = np.empty((n_crops, *self._size, *image.shape[2:]), np.uint8)
        for i in range(n_crops):
            if faces.detector == "whole":
                crops[i] = resize_image(image, self._size)
            else:
                x, y, side, angle = square_of(faces, i, margin=self._margin, align=self._align)
                scale = photo.reduction
                crops[i] = cut(image, Square(x / scale, y / scale, side / scale, angle), self._size)
        return faces, crops

    def _find(self, photo: Photo) -> DetectedFaces:
        """Return the faces, or the whole image if it is already cropped."""
        if self.detector == "whole" or (is_small(photo) and not has_one_color(photo)):
            return self._whole.find(photo)
        faces = self._search.find(photo)
        if is_filled(photo, faces):
            return self._whole.find(photo)
        return faces
