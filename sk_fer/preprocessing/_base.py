"""The base class of the transformers of images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from sk_fer._utils._check_images import check_images
from sk_fer._utils._layout import Layout, from_images

_VALUES_AT_ONCE = 2**18  # float32 copies of a batch stay within 1 MB


class ImageTransformer(TransformerMixin, BaseEstimator):
    """Base class of transformers that take images and return images in the same layout.

    A subclass has the parameter `image_shape` and defines ``_transform_batch(images)``, which
    takes and returns an array of shape (n, h, w, c). A subclass that learns nothing but
    the shape can transform without a fit. If it learns arrays, ``_learned_arrays`` contains
    their names.
    """

    image_shape: int | Sequence[int] | None
    image_shape_: tuple[int, int, int]

    _needs_picture = True  # whether the result depends on the height and width of flat rows
    # What model files contain: the attributes for sizes, and the names of arrays, each with the
    # parameter and its value for which the array exists.
    _learned_sizes: tuple[str, ...] = ("n_features_in_", "image_shape_")
    _learned_arrays: Mapping[str, tuple[str, Any]] = {}

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and learn the shape of the images.

        Parameters
        ----------
        X : array-like of shape (n, h * w * c), (n, h, w) or (n, h, w, c)
            The images.
        y : None, default=None
            Ignored. It is there so that the transformer can be a step of a pipeline.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter or X cannot be used.
        """
        self._validate_params()
        images, _ = check_images(self, X, reset=True, picture=self._needs_picture)
        self._learn(images)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Transform images.

        Parameters
        ----------
        X : array-like of shape (n, h * w * c), (n, h, w) or (n, h, w, c)
            The images, of the size seen in `fit`. They are uint8, or of a type that can be
            converted to float32.
            `fit` is not needed where nothing but this size is learned.

        Returns
        -------
        X_new : ndarray
            The new images, in the layout of X.

        Raises
        ------
        ValueError
            If the number of features or the shape of the images differs from those in `fit`,
            or if the output is set to be a DataFrame and X is not flat rows.
        """
        check_is_fitted(self)
        if "image_shape_" not in vars(self):
            self._validate_params()
        images, layout = check_images(self, X, reset=False, picture=self._needs_picture)
        if layout is not Layout.FLAT:
            refuse_frame_of_images(self, X.shape if hasattr(X, "shape") else images.shape)
        out: np.ndarray | None = None
        for batch in self._batches(images):
            block = self._transform_batch(images[batch])
            if out is None:
                out = np.empty((len(images), *block.shape[1:]), dtype=block.dtype)
            out[batch] = block
        assert out is not None  # validate_data raises an error for X without rows
        return from_images(out, layout)

    def _learn(self, images: np.ndarray) -> None:
        """Learn more than the shape, if a subclass needs it."""

    def _transform_batch(self, images: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    @staticmethod
    def _batches(images: np.ndarray) -> Any:
        return gen_batches(len(images), max(1, _VALUES_AT_ONCE // math.prod(images.shape[1:])))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float32", "uint8"]
        return tags


class PixelNamesMixin:
    """Mixin that names the columns of a transformer with `n_features_out_` output pixels."""

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns of the flat output.

        Parameters
        ----------
        input_features : array-like of str, default=None
            The names of the input columns. They are compared with the names seen in `fit` and
            not used otherwise.

        Returns
        -------
        names : ndarray of str objects
            The names ``"pixel_0"``, ``"pixel_1"`` and so on.
        """
        check_is_fitted(self, "n_features_out_")
        _check_feature_names_in(self, input_features, generate_names=False)
        return np.array([f"pixel_{i}" for i in range(self.n_features_out_)], dtype=object)  # type: ignore[attr-defined]


def refuse_frame_of_images(transformer: BaseEstimator, shape: tuple[int, ...]) -> None:
    """Raise an error if images with more than two dimensions are requested as a DataFrame.

    Parameters
    ----------
    transformer : BaseEstimator
        The transformer, with the output of ``set_output`` or ``set_config(transform_output=...)``.
    shape : tuple of int
        The shape of the images, for the error message.

    Raises
    ------
    ValueError
        If the output is a DataFrame.
    """
    container = _get_output_config("transform", transformer)["dense"]
    if container != "default":
        raise ValueError(
            f"the output of {type(transformer).__name__} is set to {container!r}, but a DataFrame "
            f"cannot contain images of shape {shape}; pass flat rows, X.reshape(len(X), -1), with "
            "image_shape if the images are not gray squares, or call "
            "set_output(transform='default') for arrays"
        )
