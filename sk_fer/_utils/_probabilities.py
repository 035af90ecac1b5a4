"""Checks of predicted probabilities and of the classes that their columns stand for."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, check_consistent_length, column_or_1d

_SUM_TOLERANCE = 1e-3  # probabilities can come from a network that computes in few bits


def check_probabilities(
    y_true: ArrayLike, y_proba: ArrayLike, classes: ArrayLike | None = None
) -> tuple[NDArray, NDArray[np.float64], NDArray]:
    """Return labels, probabilities and classes as arrays that fit each other.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The labels. They can contain classes that are not in `classes`.
    y_proba : array-like of shape (n_samples, n_classes)
        The probabilities, each from 0 to 1. The sum of each row is 1.
    classes : array-like of shape (n_classes,), default=None
        The class of each column. If None, the sorted labels in `y_true`.

    Returns
    -------
    y_true : ndarray of shape (n_samples,)
        The labels.
    y_proba : ndarray of shape (n_samples, n_classes)
        The probabilities in float64.
    classes : ndarray of shape (n_classes,)
        The classes.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, or if the rows are not probabilities.

    Examples
    --------
    >>> check_probabilities(["sad", "fear"], [[0.2, 0.8], [0.5, 0.5]])[2].tolist()
    ['fear', 'sad']
    """
    labels: NDArray = column_or_1d(y_true)
    probabilities: NDArray = check_array(y_proba, dtype=np.float64, input_name="y_proba")
    check_consistent_length(labels, probabilities)
    names: NDArray = np.unique(labels) if classes is None else column_or_1d(classes)
    if len(names) != probabilities.shape[1]:
        origin = "different labels in y_true; pass classes=" if classes is None else "classes"
        raise ValueError(
            f"y_proba has {probabilities.shape[1]} columns, but there are {len(names)} {origin}"
        )
    if len(set(names.tolist())) < len(names):
        raise ValueError(f"got classes={names.tolist()!r}, expected each class once")
    totals = probabilities.sum(axis=1)
    wrong = (probabilities < 0).any(axis=1) | (abs(totals - 1) > _SUM_TOLERANCE)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"row {row} of y_proba is {probabilities[row].tolist()} with the sum "
            f"{totals[row]:.4g}, expected probabilities from 0 to 1 with the sum 1"
        )
    return labels, probabilities, names
