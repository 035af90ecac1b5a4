"""Images in the layout that estimators accept without `image_shape`."""

import numpy as np


def as_data(images: np.ndarray) -> np.ndarray:
    """Return gray square images as flat rows, and other images unchanged.

    The height, width and channels of other images cannot be inferred from flat rows.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        The images.

    Returns
    -------
    data : ndarray of shape (n, h * h), (n, h, w) or (n, h, w, c)
        A view of `images` if possible.
    """
    is_gray_square = images.ndim == 3 and images.shape[1] == images.shape[2]
    return images.reshape(len(images), -1) if is_gray_square else images
