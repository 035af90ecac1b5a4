"""A model, the images on which it is scored, and its predictions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils import Bunch, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._probabilities import check_probabilities
from sk_fer.datasets import match_classes
from sk_fer.estimators._model_images import image_shape, prepare_images


@dataclass(frozen=True)
class Evaluated:
    """A fitted classifier, labelled images, and the predictions for them.

    The labels have the names that the classifier has for them.
    """

    model: Any
    X: NDArray
    images: NDArray
    labels: NDArray
    original_labels: NDArray
    classes: NDArray
    predicted: NDArray
    data: Bunch
    train: Bunch | None
    notes: list[str]

    @classmethod
    def of(cls, estimator: Any, data: Bunch, train: Bunch | None) -> Evaluated:
        """Check the arguments, and predict the labels of the images."""
        if not is_classifier(estimator):
            raise TypeError(f"got a {type(estimator).__name__}, expected a fitted classifier")
        check_is_fitted(estimator)
        images, labels = images_and_labels(data, "data")
        if train is not None:
            images_and_labels(train, "train")
        classes = np.asarray(estimator.classes_)
        original, (labels, is_known) = labels, match_classes(labels, classes)
        if not is_known.any():
            raise ValueError(
                f"no image has a class of the classifier: it has {_listed(classes)}, and the data "
                f"has {_listed(np.unique(labels))}"
            )
        if images.ndim == 4 and image_shape(estimator)[2] == 1:
            raise ValueError(
                f"{type(estimator).__name__} takes gray images, but data has RGB images; load them "
                "with color=False"
            )
        notes = []
        if not is_known.all():
            notes.append(
                f"The classifier did not see {_listed(np.unique(labels[~is_known]))} in fit; "
                f"images of these classes count as wrong ({(~is_known).sum():,})."
            )
        if len(np.unique(labels)) < 2:
            notes.append(
                f"All images have the label {labels[0]}; their scores say little about the "
                "classifier, because one answer is always right."
            )
        for note in notes:
            warnings.warn(note, stacklevel=3)
        model, X = prepare_images(estimator, images)
        predicted = np.asarray(model.predict(X))
        return cls(model, X, images, labels, original, classes, predicted, data, train, notes)

    @cached_property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether the classifier knows the label of each image."""
        return np.isin(self.labels, self.classes)

    @cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether each prediction is right."""
        pairs = zip(self.labels.tolist(), self.predicted.tolist(), strict=True)
        return np.array([label == predicted for label, predicted in pairs], dtype=bool)

    @cached_property
    def positions(self) -> NDArray[np.intp]:
        """The column of each label in the probabilities, or -1."""
        columns = {label: column for column, label in enumerate(self.classes.tolist())}
        return np.array([columns.get(label, -1) for label in self.labels.tolist()], dtype=np.intp)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities of the classes.

        Raises
        ------
        TypeError
            If the classifier predicts no probabilities.
        ValueError
            If the rows are not probabilities, for example if their sum is not 1.
        """
        if not hasattr(self.model, "predict_proba"):
            raise TypeError(f"{type(self.model).__name__} has no predict_proba")
        predicted = self.model.predict_proba(self.X)
        return check_probabilities(self.labels, predicted, self.classes)[1]

    @property
    def names(self) -> list[str]:
        """The file of each image, or its row."""
        filenames = self.data.get("filenames")
        if filenames is None:
            return [f"row {i}" for i in range(len(self.images))]
        return [str(name) for name in filenames]

    def some_of_each(self, n_images: int, most: int) -> NDArray[np.intp]:
        """Return the rows of the first images of each class, `most` rows at most."""
        of_classes = [
            np.flatnonzero(self.labels == label)[:n_images] for label in np.unique(self.labels)
        ]
        return np.concatenate(of_classes)[:most]


def images_and_labels(bunch: Bunch, argument: str) -> tuple[NDArray, NDArray]:
    """Return the images of a data set, and one label for each."""
    images, target = bunch.get("images"), bunch.get("target")
    if images is None or not len(images) or target is None:
        raise ValueError(f"{argument} has no images or no labels, expected a Bunch with both")
    check_consistent_length(images, target)
    images = np.asanyarray(images)
    if images.dtype != np.uint8 or images.ndim < 3 or images.shape[3:] not in ((), (3,)):
        raise ValueError(
            f"{argument} has images of {images.dtype} and shape {images.shape}, expected uint8 of "
            "shape (n, height, width) or (n, height, width, 3)"
        )
    labels = np.asarray(target)
    if labels.ndim == 2:  # shares
        labels = np.asarray(bunch["target_names"])[labels.argmax(axis=1)]
    return images, labels


def _listed(labels: NDArray) -> str:
    return ", ".join(map(str, labels.tolist()))
