"""Images that are copies though their files and sizes differ, in one data set or in two."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 16
_ROWS_AT_ONCE = 4096


def similar_pairs(
    first: NDArray, second: NDArray | None = None, *, least_correlation: float = 0.995
) -> NDArray[np.intp]:
    """Find the images that two arrays share, whatever their size, colours and compression.

    Images that are mirrored are found, too.

    Parameters
    ----------
    first : ndarray of shape (n, height, width) or (n, height, width, 3), dtype uint8
        The images. A memory map is read image by image.
    second : ndarray of shape (n, height, width) or (n, height, width, 3), default=None
        The images to compare with, in the same form. If None, the images of `first` are compared
        with each other.
    least_correlation : float, default=0.995
        The correlation of the gray values at 16 x 16 pixels above which images are copies.

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2)
        The rows of the images in `first` and in `second`. If `second` is None, the smaller row
        comes first. Images of one colour are in no pair.

    Examples
    --------
    >>> import numpy as np
    >>> first = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    >>> similar_pairs(first, np.repeat(first[[3]], 2, axis=1).repeat(2, axis=2)).tolist()
    [[3, 0]]
    """
    for images in (first, first if second is None else second):
        if images.ndim not in (3, 4) or images.dtype != np.uint8:
            raise ValueError(
                f"got images of shape {images.shape} and dtype {images.dtype}, expected uint8 of "
                "shape (n, height, width) or (n, height, width, 3)"
            )
    one = _thumbnails(first)
    other = one if second is None else _thumbnails(second)
    mirrored = other.reshape(-1, _SIDE, _SIDE)[:, :, ::-1].reshape(other.shape)
    found = [np.empty((0, 2), dtype=np.intp)]
    for i in range(0, len(one), _ROWS_AT_ONCE):
        for j in range(i if second is None else 0, len(other), _ROWS_AT_ONCE):
            rows, columns = slice(i, i + _ROWS_AT_ONCE), slice(j, j + _ROWS_AT_ONCE)
            similarity = one[rows] @ other[columns].T
            np.maximum(similarity, one[rows] @ mirrored[columns].T, out=similarity)
            found.append(np.argwhere(similarity > least_correlation) + np.array([i, j]))
    pairs = np.concatenate(found)
    if second is None:
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _thumbnails(images: NDArray) -> NDArray[np.float32]:
    """Return small gray images as rows of mean 0 and length 1, or of zeros."""
    rows = np.empty((len(images), _SIDE * _SIDE), dtype=np.float32)
    for row, image in zip(rows, images, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(image)).convert("L")
        row[:] = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)).ravel()
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
