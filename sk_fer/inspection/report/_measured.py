"""The scores of an evaluated model, each computed once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sk_fer.inspection._class_report import class_report
from sk_fer.inspection.report._evaluated import Evaluated
from sk_fer.metrics import bootstrap_interval, expected_calibration_error
from sk_fer.model_selection import leak_report

if TYPE_CHECKING:
    import pandas as pd


Scores = dict[str, tuple[Callable[..., float], NDArray, NDArray]]


def _mean(_: NDArray, values: NDArray) -> float:
    return float(values.mean())


def _counts(y_true: NDArray, y_pred: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Count the right predictions, the images and the predictions of each class with images."""
    n_classes = 1 + max(y_true.max(), y_pred.max())
    right = np.bincount(y_true[y_true == y_pred], minlength=n_classes)
    images, predictions = (np.bincount(each, minlength=n_classes) for each in (y_true, y_pred))
    present = images > 0
    return right[present], images[present], predictions[present]


def _accuracy(y_true: NDArray, y_pred: NDArray) -> float:
    return float((y_true == y_pred).mean())


def _macro_f1(y_true: NDArray, y_pred: NDArray) -> float:
    right, images, predictions = _counts(y_true, y_pred)
    return float((2 * right / (images + predictions)).mean())


def _balanced_accuracy(y_true: NDArray, y_pred: NDArray) -> float:
    right, images, _ = _counts(y_true, y_pred)
    return float((right / images).mean())


# As in METRICS, but without the checks of scikit-learn, which take longer than a thousand draws.
_OF_COUNTS: dict[str, Callable[[NDArray, NDArray], float]] = {
    "Accuracy": _accuracy,
    "Macro F1": _macro_f1,
    "Balanced accuracy": _balanced_accuracy,
}


@dataclass(frozen=True)
class Measured:
    """The scores of a model. What cannot be computed raises an error when it is used."""

    of: Evaluated
    n_resamples: int

    @cached_property
    def per_class(self) -> Bunch:
        """Precision, recall and F1 of each class."""
        return class_report(self.of.labels, self.of.predicted, classes=self.of.classes)

    @cached_property
    def label_scores(self) -> pd.DataFrame:
        """The scores of the predicted labels, with intervals."""
        labels, predicted = self.of.labels.tolist(), self.of.predicted.tolist()
        names = dict.fromkeys([*labels, *predicted])  # by equality, as 1 is equal to 1.0
        numbers = {name: number for number, name in enumerate(names)}
        y_true, y_pred = (np.array([numbers[name] for name in y]) for y in (labels, predicted))
        return self._table({name: (score, y_true, y_pred) for name, score in _OF_COUNTS.items()})

    @cached_property
    def probability_scores(self) -> pd.DataFrame:
        """The scores of the probabilities of images with known labels, with intervals."""
        known = self.of.is_known
        y_true, y_proba = self.of.positions[known], self.of.probabilities[known]
        of_label = y_proba[np.arange(len(y_true)), y_true]
        best = np.argsort(-y_proba, axis=1, kind="stable")[:, :2]
        in_best = (best == y_true[:, np.newaxis]).any(axis=1)
        losses = -np.log(of_label.clip(np.finfo(float).eps))
        error = partial(expected_calibration_error, classes=np.arange(len(self.of.classes)))
        scores: Scores = {
            "Top-2 accuracy": (_mean, y_true, in_best),
            "Log loss": (_mean, y_true, losses),
            "Calibration error": (error, y_true, y_proba),
        }
        if len(self.of.classes) == 2:
            del scores["Top-2 accuracy"]
        return self._table(scores)

    @property
    def scores(self) -> pd.DataFrame:
        """All scores that can be computed."""
        import pandas as pd

        tables = []
        for name in ("label_scores", "probability_scores"):
            with suppress(Exception):  # its part of the page has the reason
                tables.append(getattr(self, name))
        return pd.concat(tables) if tables else self._table({})

    @cached_property
    def leaks(self) -> Bunch | None:
        """The copies of training images, or None without training images."""
        if self.of.train is None:
            return None
        return leak_report(
            self.of.train, Bunch(images=self.of.images, target=self.of.original_labels)
        )

    @property
    def leak_notes(self) -> list[str]:
        """The number of copies, and the accuracy without them."""
        try:
            leaks = self.leaks
        except Exception:  # its part of the page has the reason
            return []
        if leaks is None:
            return ["It was not checked whether the images are copies of training images."]
        rest = ~leaks.leaked
        if not leaks.leaked.any() or not rest.any():
            return [leaks.summary]
        accuracy = self.of.is_right[rest].mean()
        return [
            leaks.summary,
            f"The accuracy without them is {accuracy:.1%} on {rest.sum():,} images.",
        ]

    def _table(self, scores: Scores) -> Any:
        import pandas as pd

        rows = {}
        for name, (metric, y_true, y_pred) in scores.items():
            found = bootstrap_interval(y_true, y_pred, metric=metric, n_resamples=self.n_resamples)
            rows[name] = [found.score, found.low, found.high]
        return pd.DataFrame.from_dict(rows, orient="index", columns=["score", "low", "high"])
