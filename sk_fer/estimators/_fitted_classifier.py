"""The methods and attributes of a fitted classifier: predictions, score and history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score

from sk_fer.estimators._history import history_table
from sk_fer.estimators._image_input import ImageInput
from sk_fer.estimators._stored_net import StoredNet
from sk_fer.estimators._targets import encode_seen, hard_labels
from sk_fer.estimators._validation import check_lengths, check_weight

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from sk_fer.training import FERNet


class FittedClassifier(ClassifierMixin, ImageInput, StoredNet):
    """Base class of the classifiers, without ``fit``."""

    tta: bool
    classes_: NDArray

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities, in the order of ``classes_``.
        """
        return self._logits(X).softmax(1).numpy()

    def predict(self, X: ArrayLike) -> NDArray:
        """Predict the label of each image.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            The labels, as they were passed to :meth:`fit`.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The logarithms, in the order of ``classes_``. They are finite even if the
            probabilities of :meth:`predict_proba` are 0.
        """
        return self._logits(X).log_softmax(1).numpy()

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on images and their labels.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The labels or soft targets. For soft targets, the class with the largest share is used.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights of the images.

        Returns
        -------
        float
            The accuracy.

        Warns
        -----
        UserWarning
            If there are labels that :meth:`fit` did not see, for example in folds by subject.
            The warning names them. They count as wrong.
        """
        predicted = self.predict_proba(X).argmax(axis=1)
        encoded = encode_seen(y, self.classes_, estimator=type(self).__name__)
        check_lengths(predicted, encoded, "X", "y")
        if sample_weight is not None:
            sample_weight = check_weight(sample_weight, predicted)
        return accuracy_score(hard_labels(encoded), predicted, sample_weight=sample_weight)

    def _logits(self, X: ArrayLike) -> torch.Tensor:
        images = self._new_dataset(X)
        return self.net_.logits(images, tta=self.tta)

    @property
    def history_(self) -> pd.DataFrame:
        """The losses, accuracies, learning rate and seconds of each epoch."""
        return history_table(self._fitted_net("history_").history)

    @property
    def n_epochs_(self) -> int:
        """Epochs trained so far."""
        return len(self._fitted_net("n_epochs_").history)

    def _fitted_net(self, attribute: str) -> FERNet:
        if "net_" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r}; fit it first"
            )
        return self.net_
