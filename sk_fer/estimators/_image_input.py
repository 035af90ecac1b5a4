"""The images that the estimators of sk_fer accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._check_images import check_images
from sk_fer._utils._image_rows import ImageRows
from sk_fer._utils._layout import SMALLEST_FACE

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from sk_fer.training import FaceDataset, FERNet


class ImageInput(BaseEstimator):
    """Mixin that checks images, and keeps their shape and type from ``fit``."""

    image_shape: int | tuple[int, ...] | None
    image_shape_: tuple[int, int, int]
    _image_dtype: str
    net_: FERNet

    _needs_picture = True  # whether the height and width of flat rows matter

    def _check_images(self, X: ArrayLike, *, reset: bool, name: str = "X") -> NDArray:
        """Return images (n, height, width, channels), uint8 or float32, as a view if possible.

        If X is an :class:`ImageRows`, all of its images are returned.
        """
        if name == "X" and isinstance(X, ImageRows):
            X = X.images
        try:
            images, _ = check_images(self, X, reset=reset, picture=self._needs_picture)
        except (TypeError, ValueError) as error:
            if name == "X":
                raise
            raise type(error)(f"{name}: {error}") from error
        if reset:
            self._image_dtype = images.dtype.name
        return images

    def _new_dataset(self, X: ArrayLike) -> FaceDataset:
        """Check images for the fitted network, also in another process than that of the fit."""
        check_is_fitted(self)
        from sk_fer.training import FaceDataset, settle_after_fork

        images = self._check_images(X, reset=False)
        settle_after_fork(self.net_.device)
        self._check_range(images, "X")
        return FaceDataset(images, rows=rows_of(X))

    def _check_range(self, images: NDArray, name: str) -> None:
        """Raise an error if the range of the pixels differs from the fit and matters."""
        prepare = self.net_.module_.prepare
        given, expected = images.dtype.name, self._image_dtype
        if given == expected or prepare.normalize == "image" or not self._is_face():
            return
        largest = images.max()
        if expected == "uint8":  # floats from 0 to 255 are equivalent
            is_other = largest <= 1 and bool(np.any(images % 1))
        else:
            of_shares = prepare.normalize == "dataset" and bool(prepare.mean.abs().max() <= 1)
            is_other = of_shares and largest > 1
        if is_other:
            raise ValueError(
                f"{name} is {given} with values up to {largest:.3g}, but the images in fit were "
                f"{expected} with another range; use the same range, or fit with normalize='image'"
            )

    def _is_face(self) -> bool:
        return min(self.image_shape_[:2]) >= SMALLEST_FACE

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def rows_of(X: ArrayLike) -> NDArray[np.intp] | None:
    """Return the rows of an :class:`ImageRows`, or None for other images."""
    return X.rows if isinstance(X, ImageRows) else None
