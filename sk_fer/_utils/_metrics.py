"""The scores of predicted labels that comparisons report, by name."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score


class Metric(NamedTuple):
    """A score of predicted labels from 0 to 1. Larger values are better."""

    title: str
    """The title in tables and plots."""
    score: Callable[[NDArray, NDArray], float]
    """A function of the true and the predicted labels."""


def f1_macro(y_true: NDArray, y_pred: NDArray) -> float:
    """Return the mean F1 score of the classes in `y_true`."""
    labels = np.unique(y_true)
    return f1_score(y_true, y_pred, labels=labels, average="macro", zero_division=0)


def balanced_accuracy(y_true: NDArray, y_pred: NDArray) -> float:
    """Return the mean recall of the classes in `y_true`.

    The function of scikit-learn warns if a class is predicted that is not in `y_true`.
    """
    labels = np.unique(y_true)
    return recall_score(y_true, y_pred, labels=labels, average="macro", zero_division=0)


METRICS: dict[str, Metric] = {
    "accuracy": Metric("Accuracy", accuracy_score),
    "f1_macro": Metric("Macro F1", f1_macro),
    "balanced_accuracy": Metric("Balanced accuracy", balanced_accuracy),
}
