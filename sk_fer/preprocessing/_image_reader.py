"""Image files to arrays."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._column import as_column
from sk_fer._utils._gray_squares import as_data
from sk_fer._utils._image_file import read_image, resize_image, warn_of_several_frames
from sk_fer._utils._layout import SIDE, check_size
from sk_fer.preprocessing._base import PixelNamesMixin, refuse_frame_of_images


class ImageReader(PixelNamesMixin, TransformerMixin, BaseEstimator):
    """Read image files into one uint8 array.

    It is the first step of a pipeline that starts from the paths of files.

    Parameters
    ----------
    image_size : int or tuple of int, default=None
        The height and width, or the side of a square, to which images are resized. If None, all
        images must have the size of the first image seen in `fit`.
    color : bool, default=False
        Whether to read RGB images instead of gray images.
    root : str or path-like, default=None
        The folder to which relative paths refer. If None, it is the current folder.
    flatten : bool or "auto", default="auto"
        Whether images are returned as flat rows, which the classifiers of scikit-learn require,
        or keep their shape. "auto" returns gray square images as rows. Other images keep their
        shape, because the next step could not infer it from flat rows.

    Attributes
    ----------
    image_shape_ : tuple of int
        The shape (height, width, n_channels) of the returned images.
    n_features_out_ : int
        The number of values in each returned image.

    See Also
    --------
    PixelParser : Convert strings of pixels to images.
    ImageResizer : Resize images that are arrays.
    sk_fer.datasets.load_image_folder : Load a folder of images with their labels.

    Notes
    -----
    The files may be BMP, GIF, JPEG, JPEG 2000, PNG, PGM, PPM, TIFF, WebP, AVIF and, with
    ``pip install ".[heic]"``, HEIC. The EXIF orientation is applied, and transparent parts
    become white. Images of 16 bits are scaled from the range 0 to 65,535, and float images from
    0 to 1 or 0 to 255. Other scales are an error, for example images of 16 bits with values up to
    4,095 only. Only the first frame of a file is read, with a warning if there are more.

    X contains paths. The common checks of scikit-learn cannot generate such data and skip this
    class.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sk_fer.preprocessing import ImageReader
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (6, 4), color=200).save(Path(folder, "face.png"))
    ...     flat = ImageReader(root=folder, flatten=True).fit_transform(["face.png"])
    ...     images = ImageReader((2, 2), root=folder, flatten=False).fit_transform(["face.png"])
    >>> flat.shape
    (1, 24)
    >>> images
    array([[[200, 200],
            [200, 200]]], dtype=uint8)
    """

    _parameter_constraints: dict = {
        "image_size": [tuple, list, SIDE, None],
        "color": ["boolean"],
        "root": [str, os.PathLike, None],
        "flatten": ["boolean", StrOptions({"auto"})],
    }

    _learned_sizes = ("n_features_out_", "image_shape_")

    def __init__(
        self,
        image_size: int | Sequence[int] | None = None,
        *,
        color: bool = False,
        root: str | os.PathLike[str] | None = None,
        flatten: bool | str = "auto",
    ) -> None:
        self.image_size = image_size
        self.color = color
        self.root = root
        self.flatten = flatten

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the shape of the images from `image_size` or the first file.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame of str or path-like
            The files.
        y : None, default=None
            Ignored. It is there so that the transformer can be a step of a pipeline.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is not valid, if X has no rows, or if the first file is not an image.
        OSError
            If the first file does not exist or cannot be read.
        """
        self._validate_params()
        paths = self._find_paths(X)
        height, width = self._find_size(paths[0])
        self.image_shape_ = (height, width, 3 if self.color else 1)
        self.n_features_out_ = math.prod(self.image_shape_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Read the files.

        Parameters
        ----------
        X : list, ndarray, Series or one-column DataFrame of str or path-like
            The files.

        Returns
        -------
        X_new : ndarray of shape (n, h * w * c), (n, h, w) or (n, h, w, 3), dtype uint8
            The images, as flat rows or with their shape, see `flatten`. `fit` is not needed if
            `image_size` is given.

        Raises
        ------
        ValueError
            If a file is not an image, or if its size differs from that in `fit` and
            `image_size` is None. The message names the path. Also if the output is set to be a
            DataFrame and images keep their shape.
        OSError
            If a file does not exist or cannot be read.
        """
        check_is_fitted(self)
        paths = self._find_paths(X)
        if "image_shape_" in vars(self):
            size = self.image_shape_[:2]
        else:
            self._validate_params()
            size = self._find_size(paths[0])
        images = np.empty((len(paths), *size, *((3,) if self.color else ())), dtype=np.uint8)
        if self._flattened(images).ndim > 2:
            refuse_frame_of_images(self, images.shape)
        several_frames: list[str] = []
        for i, path in enumerate(paths):
            image = read_image(path, color=self.color, several_frames=several_frames)
            if image.shape[:2] != size:
                if self.image_size is None:
                    raise ValueError(
                        f"{path}: got an image of {image.shape[0]} x {image.shape[1]} pixels, "
                        f"expected {size[0]} x {size[1]} as in fit; set image_size to resize "
                        "all images"
                    )
                image = resize_image(image, size)
            images[i] = image
        warn_of_several_frames(several_frames)
        return self._flattened(images)

    def _flattened(self, images: np.ndarray) -> np.ndarray:
        if self.flatten == "auto":
            return as_data(images)
        return images.reshape(len(images), -1) if self.flatten else images

    def _find_size(self, first: str) -> tuple[int, int]:
        if self.image_size is not None:
            return check_size(self.image_size, "image_size")
        height, width = read_image(first).shape
        return height, width

    def _find_paths(self, X: Any) -> list[str]:
        paths = []
        for row, cell in enumerate(as_column(X, "paths")):
            if not isinstance(cell, str | os.PathLike):
                raise ValueError(f"X, row {row}: got {cell!r}, expected a path")
            paths.append(os.path.join(self.root or "", cell))
        return paths

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = self.image_size is None
        return tags
