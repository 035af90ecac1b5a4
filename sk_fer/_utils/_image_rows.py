"""Some rows of an array of images, without a copy."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class ImageRows:
    """Some rows of an array of images, which are copied only where they are used.

    The classifiers of sk_fer take it as X and copy one batch at a time. For all others, it
    converts itself to an array.

    Parameters
    ----------
    images : ndarray of shape (n_images, ...), dtype uint8
        The images, in memory or in a memory map.
    rows : ndarray of shape (n_rows,), dtype int
        The positions of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer._utils._image_rows import ImageRows
    >>> some = ImageRows(np.arange(6, dtype=np.uint8).reshape(3, 2), np.array([2, 0]))
    >>> some.shape, np.asarray(some).tolist()
    ((2, 2), [[4, 5], [0, 1]])
    """

    def __init__(self, images: NDArray, rows: NDArray[np.intp]) -> None:
        self.images = images
        self.rows = rows
        self.shape = (len(rows), *images.shape[1:])
        self.ndim = images.ndim
        self.dtype = images.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> NDArray:
        if isinstance(key, tuple):
            return np.asarray(self)[key]
        return np.asarray(self.images[self.rows[key]])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray:
        if copy is False:
            raise ValueError("rows of images cannot be converted to an array without a copy")
        images = np.asarray(self.images[self.rows])
        return images if dtype is None else images.astype(dtype, copy=False)
