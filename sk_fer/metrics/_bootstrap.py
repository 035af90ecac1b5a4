"""Confidence intervals of scores."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.metrics import accuracy_score
from sklearn.utils import Bunch, check_consistent_length, column_or_1d

from sk_fer._utils._constraints import Interval, validate_params


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "metric": [callable],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    }
)
def bootstrap_interval(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    metric: Callable[[Any, Any], float] = accuracy_score,
    confidence_level: float = 0.95,
    n_resamples: int = 1000,
    random_state: int = 0,
) -> Bunch:
    """Compute a score and the interval in which it varies with the choice of test images.

    The images are drawn again with replacement, many times. The interval is between percentiles of
    the scores of these draws. It does not include how much the score varies between trainings.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The labels.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_classes)
        The predicted labels, or the predicted probabilities if `metric` takes these.
    metric : callable, default=accuracy_score
        A function of the true labels and of the predictions that returns a score. Functions that
        take probabilities must be given the classes, since a draw can lack a class: use
        ``functools.partial(expected_calibration_error, classes=model.classes_)``.
    confidence_level : float in (0, 1), default=0.95
        The share of the draws whose scores are in the interval.
    n_resamples : int, default=1000
        The number of draws.
    random_state : int, default=0
        The seed of the draws.

    Returns
    -------
    interval : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes

        score : float
            The score on all images.
        low : float
            The lower end of the interval.
        high : float
            The upper end of the interval.

    Raises
    ------
    ValueError
        If there are fewer than two images, or if the arrays differ in length.

    See Also
    --------
    mcnemar_test : Test whether one of two classifiers is right more often.
    scipy.stats.bootstrap : Compute intervals of other statistics.

    Examples
    --------
    >>> from sk_fer.metrics import bootstrap_interval
    >>> y_true = ["happy"] * 60 + ["sad"] * 40
    >>> interval = bootstrap_interval(y_true, ["happy"] * 100)
    >>> interval.score, interval.low < 0.6 < interval.high
    (0.6, True)
    """
    labels: NDArray = column_or_1d(y_true)
    predictions: NDArray = np.asarray(y_pred)
    check_consistent_length(labels, predictions)
    if len(labels) < 2:
        raise ValueError(f"got {len(labels)} images, expected two or more")
    found = stats.bootstrap(
        (np.arange(len(labels)),),
        lambda rows: metric(labels[rows], predictions[rows]),
        vectorized=False,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        method="percentile",
        rng=np.random.default_rng(random_state),
    )
    low, high = map(float, found.confidence_interval)
    return Bunch(score=float(metric(labels, predictions)), low=low, high=high)
