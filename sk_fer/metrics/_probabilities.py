"""Scores of predicted probabilities."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer._utils._probabilities import check_probabilities


@validate_params(
    {
        "y_true": ["array-like"],
        "y_proba": ["array-like"],
        "classes": ["array-like", None],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
    }
)
def expected_calibration_error(
    y_true: ArrayLike, y_proba: ArrayLike, *, classes: ArrayLike | None = None, n_bins: int = 15
) -> float:
    """Compute how far the confidence of a classifier is from its accuracy.

    The images are put into bins by the probability of the predicted class, which is the confidence.
    The error is the mean difference of confidence and accuracy in a bin, weighted by its images.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The labels. A label that is not in `classes` counts as wrongly predicted.
    y_proba : array-like of shape (n_samples, n_classes)
        The predicted probabilities. The sum of each row is 1.
    classes : array-like of shape (n_classes,), default=None
        The class of each column of `y_proba`, such as ``classes_`` of a classifier. If None, the
        sorted labels in `y_true`.
    n_bins : int, default=15
        The number of bins of equal width from 0 to 1.

    Returns
    -------
    error : float
        The error from 0 to 1. Smaller values are better.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, or if the rows of `y_proba` are not probabilities.

    See Also
    --------
    sklearn.calibration.CalibratedClassifierCV : Calibrate the probabilities of a classifier.
    sklearn.calibration.CalibrationDisplay : Plot accuracy against confidence.

    Notes
    -----
    The error depends on the number of bins, and is too large for few images: an error of zero is
    only expected of a calibrated classifier if there are many images in each bin.

    Examples
    --------
    >>> from sk_fer.metrics import expected_calibration_error
    >>> y_proba = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]
    >>> error = expected_calibration_error(["fear", "sad", "sad", "sad"], y_proba)
    >>> round(error, 3)  # half of 0.9 - 0.5, and half of 1 - 0.8
    0.3
    """
    labels, probabilities, names = check_probabilities(y_true, y_proba, classes)
    confidence = probabilities.max(axis=1)
    correct = places(labels, names) == probabilities.argmax(axis=1)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, confidence - correct, n_bins)
    return float(np.abs(gaps).sum() / len(correct))


@validate_params(
    {
        "y_true": ["array-like"],
        "y_proba": ["array-like"],
        "k": [Interval(Integral, 1, None, closed="left")],
        "classes": ["array-like", None],
    }
)
def top_k_accuracy(
    y_true: ArrayLike, y_proba: ArrayLike, *, k: int = 2, classes: ArrayLike | None = None
) -> float:
    """Compute how often the label is among the most probable classes.

    In contrast to :func:`sklearn.metrics.top_k_accuracy_score`, the columns can be in any order,
    and labels that the classifier does not know count as wrongly predicted.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The labels.
    y_proba : array-like of shape (n_samples, n_classes)
        The predicted probabilities. The sum of each row is 1.
    k : int, default=2
        The number of classes, from 1 to the number of columns. Of equal probabilities, that of the
        first class counts as larger.
    classes : array-like of shape (n_classes,), default=None
        The class of each column of `y_proba`, such as ``classes_`` of a classifier. If None, the
        sorted labels in `y_true`.

    Returns
    -------
    accuracy : float
        The share of the images whose label is among the `k` most probable classes.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, if the rows of `y_proba` are not probabilities, or if
        `k` is larger than the number of columns.

    See Also
    --------
    sklearn.metrics.accuracy_score : The share of the images with the right predicted label.

    Examples
    --------
    >>> from sk_fer.metrics import top_k_accuracy
    >>> y_proba = [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.7, 0.2]]
    >>> top_k_accuracy(["angry", "fear", "sad", "sad"], y_proba)
    0.75
    """
    labels, probabilities, names = check_probabilities(y_true, y_proba, classes)
    if k > len(names):
        raise ValueError(f"got k={k}, but y_proba has {len(names)} columns")
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == places(labels, names)[:, np.newaxis]).any(axis=1).mean())


def places(labels: NDArray, classes: NDArray) -> NDArray[np.intp]:
    """Return the column of each label, or -1 if it has none."""
    columns = {name: column for column, name in enumerate(classes.tolist())}
    return np.array([columns.get(label, -1) for label in labels.tolist()], dtype=np.intp)
