"""A test between two classifiers on the same images."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.utils import Bunch, check_consistent_length, column_or_1d

from sk_fer._utils._constraints import validate_params


@validate_params(
    {"y_true": ["array-like"], "y_pred_first": ["array-like"], "y_pred_second": ["array-like"]}
)
def mcnemar_test(y_true: ArrayLike, y_pred_first: ArrayLike, y_pred_second: ArrayLike) -> Bunch:
    """Test whether one of two classifiers is right more often on the same images.

    McNemar's exact test compares the numbers of images that only one of the two predicts right. It
    is more sensitive than a comparison of two intervals, because both classifiers find the same
    images hard.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The labels of the images.
    y_pred_first : array-like of shape (n_samples,)
        The labels that the first classifier predicts.
    y_pred_second : array-like of shape (n_samples,)
        The labels that the second classifier predicts.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes

        only_first : int
            The number of images that only the first classifier predicts right.
        only_second : int
            The number of images that only the second classifier predicts right.
        difference : float
            The accuracy of the second classifier minus that of the first.
        pvalue : float
            The probability of a difference that is at least as large, if both classifiers are
            equally good. It is 1 if there is no image that only one of them predicts right.

    Raises
    ------
    ValueError
        If there are no images, or if the arrays differ in length.

    See Also
    --------
    bootstrap_interval : Compute the confidence interval of a score.

    Notes
    -----
    The test is about these two fitted classifiers. Another training of the same classifiers can
    have another result.

    Examples
    --------
    >>> from sk_fer.metrics import mcnemar_test
    >>> result = mcnemar_test(["sad"] * 8, ["fear"] * 6 + ["sad"] * 2, ["sad"] * 8)
    >>> result.only_first, result.only_second, result.difference, result.pvalue
    (0, 6, 0.75, 0.03125)
    """
    labels, first, second = map(column_or_1d, (y_true, y_pred_first, y_pred_second))
    check_consistent_length(labels, first, second)
    if not len(labels):
        raise ValueError("got no images, expected one at least")
    is_right = np.stack([first == labels, second == labels])
    only_first = int((is_right[0] & ~is_right[1]).sum())
    only_second = int((is_right[1] & ~is_right[0]).sum())
    n_different = only_first + only_second
    return Bunch(
        only_first=only_first,
        only_second=only_second,
        difference=(only_second - only_first) / len(labels),
        pvalue=float(stats.binomtest(only_first, n_different).pvalue) if n_different else 1.0,
    )
