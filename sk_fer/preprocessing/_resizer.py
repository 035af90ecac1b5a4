"""Resizing of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sk_fer._utils._image_file import resize_image
from sk_fer._utils._layout import SIDE, check_size
from sk_fer.preprocessing._base import ImageTransformer, PixelNamesMixin


class ImageResizer(PixelNamesMixin, ImageTransformer):
    """Resize images, with antialiasing if they become smaller.

    The images are returned in the layout in which they are passed.

    Parameters
    ----------
    image_size : int or tuple of int, default=(48, 48)
        The height and width of the resized images, or the side of a square.
    image_shape : int or tuple of int, default=None
        The shape of images that are flat rows, (height, width) or (height, width, n_channels),
        or the side of a square. If None, the images are square if the number of features is a
        square number. Other rows are one strip, 1 pixel high, if they have fewer than 64
        values; longer rows are refused, since they could be images of several shapes.

    Attributes
    ----------
    image_shape_ : tuple of int
        The shape (height, width, n_channels) of the images seen in `fit`.
    n_features_in_ : int
        The number of values in each image seen in `fit`.
    n_features_out_ : int
        The number of values in each resized image.
    feature_names_in_ : ndarray of str
        The names of the columns seen in `fit`. Defined only if X was a DataFrame.

    See Also
    --------
    ImageReader : Read image files and resize them.

    Notes
    -----
    uint8 images stay uint8. Images of other types become float32. The filter is Pillow's
    bilinear filter, whose support grows with the reduction. The loaders of
    :mod:`sk_fer.datasets` use the same filter.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.preprocessing import ImageResizer
    >>> X = np.array([[0, 0, 100, 100], [40, 80, 120, 160]], dtype=np.uint8)
    >>> ImageResizer(image_size=(1, 2), image_shape=(1, 4)).fit_transform(X)
    array([[ 14,  86],
           [ 69, 131]], dtype=uint8)
    >>> ImageResizer(image_size=(32, 32)).fit_transform(np.zeros((5, 48, 48))).shape
    (5, 32, 32)
    """

    _parameter_constraints: dict = {
        "image_size": [tuple, list, SIDE],
        "image_shape": [tuple, list, SIDE, None],
    }

    _learned_sizes = ("n_features_out_", "n_features_in_", "image_shape_")

    def __init__(
        self,
        image_size: int | Sequence[int] = (48, 48),
        *,
        image_shape: int | Sequence[int] | None = None,
    ) -> None:
        self.image_size = image_size
        self.image_shape = image_shape

    def _learn(self, images: np.ndarray) -> None:
        height, width = check_size(self.image_size, "image_size")
        self.n_features_out_ = height * width * images.shape[-1]

    def _transform_batch(self, images: np.ndarray) -> np.ndarray:
        size = check_size(self.image_size, "image_size")
        return np.stack([resize_image(image, size) for image in images])
