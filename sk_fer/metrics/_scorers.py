"""Scores of classifiers for searches and cross-validation."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from sk_fer._utils._metrics import METRICS
from sk_fer.estimators._targets import encode_targets, hard_labels, holds_shares
from sk_fer.metrics._probabilities import expected_calibration_error, top_k_accuracy
from sk_fer.metrics._voters import voter_agreement


def _labels(y: Any) -> NDArray:
    """Return labels as they are, and the class with the largest share of soft targets."""
    if not holds_shares(y):
        return np.asarray(y)
    classes, shares = encode_targets(y, estimator="the scorer")
    return classes[hard_labels(shares)]


def _score_labels(metric: str, estimator: Any, X: Any, y: Any) -> float:
    return float(METRICS[metric].score(_labels(y), estimator.predict(X)))


def _score_probabilities(function: Callable[..., float], estimator: Any, X: Any, y: Any) -> float:
    return function(_labels(y), estimator.predict_proba(X), classes=estimator.classes_)


def _score_votes(estimator: Any, X: Any, y: Any) -> float:
    return voter_agreement(y, estimator.predict(X))


def _negative_error(y_true: Any, y_proba: Any, *, classes: Any) -> float:
    return -expected_calibration_error(y_true, y_proba, classes=classes)


def _negative_loss(y_true: Any, y_proba: Any, *, classes: Any) -> float:
    unknown = sorted(set(np.asarray(y_true).tolist()) - set(classes.tolist()), key=str)
    if unknown:
        raise ValueError(
            f"y has the labels {unknown}, which the classifier does not know, so that their log "
            "loss is infinite; leave these images out, or use another score"
        )
    return -log_loss(y_true, y_proba, labels=classes)


SCORERS: dict[str, Callable[[Any, Any, Any], float]] = {
    **{name: partial(_score_labels, name) for name in METRICS},
    "top_2_accuracy": partial(_score_probabilities, top_k_accuracy),
    "neg_log_loss": partial(_score_probabilities, _negative_loss),
    "neg_calibration_error": partial(_score_probabilities, _negative_error),
    "voter_agreement": _score_votes,
}
"""Scorers by name, which are functions of a fitted classifier, images and labels.

Larger values are better. All of them, or one, can be the `scoring` of
:class:`~sklearn.model_selection.GridSearchCV` and :func:`~sklearn.model_selection.cross_validate`.
In contrast to scikit-learn's scorers of the same names, means are over the classes that have
images, and the columns of probabilities are those of ``classes_``, so that a split can lack a
class. If `y` contains soft targets, such as the shares of votes, "voter_agreement" uses them, and
the others use the class with the largest share.
"""
