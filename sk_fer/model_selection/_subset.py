"""A share of the images, the same of each class."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from sk_fer._utils._constraints import Interval, validate_params


@validate_params(
    {
        "y": ["array-like"],
        "fraction": [Interval(Real, 0, 1, closed="right")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    }
)
def stratified_subset(y: ArrayLike, fraction: float, *, random_state: int = 0) -> NDArray[np.intp]:
    """Choose the same share of the images of each class at random.

    In contrast to :func:`sklearn.model_selection.train_test_split`, each class has at least one
    image, however few it has, and the order of the images is kept.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The label of each image.
    fraction : float in (0, 1]
        The share of the images to choose. The number of images of a class is rounded, and is at
        least one.
    random_state : int, default=0
        The seed of the random choice.

    Returns
    -------
    indices : ndarray of shape (n_chosen,) of int
        The positions of the chosen images, in ascending order.

    Raises
    ------
    ValueError
        If `y` is not one-dimensional, or a parameter is not in its range.

    See Also
    --------
    make_splits : Assign images to splits.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.model_selection import stratified_subset
    >>> y = np.repeat(["happy", "sad", "fear"], [10, 6, 1])
    >>> np.unique(y[stratified_subset(y, 0.5)], return_counts=True)
    (array(['fear', 'happy', 'sad'], dtype='<U5'), array([1, 5, 3]))
    """
    labels = np.unique(column_or_1d(y), return_inverse=True)[1]
    rng = np.random.default_rng(random_state)
    chosen = [np.empty(0, dtype=np.intp)]
    for position in range(labels.max(initial=-1) + 1):
        of_class = rng.permutation(np.flatnonzero(labels == position))
        chosen.append(of_class[: max(1, round(fraction * len(of_class)))])
    return np.sort(np.concatenate(chosen))
