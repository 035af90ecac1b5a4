"""A plot of the most confident errors of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._probabilities import check_probabilities
from sk_fer.inspection._face_grid import check_count, draw_grid, pictures, select, short_name


class MistakesDisplay:
    """Plot of the errors of a classifier that it is most confident of.

    Each image is below its predicted class with the probability of this class, and below its true
    class. The largest probability comes first. It is recommended to use :meth:`from_estimator` or
    :meth:`from_predictions` to create it.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
        The images, as uint8 or as float from 0 to 1.
    y_true : ndarray of shape (n_images,)
        The labels of the images.
    y_pred : ndarray of shape (n_images,)
        The predicted labels.
    confidence : ndarray of shape (n_images,)
        The probability of each predicted label, from 0 to 1.
    indices : ndarray of shape (n_images,)
        The row of each image in the data.
    n_mistakes : int
        The number of all errors of these classes. It can be larger than the number of images.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the images.
    figure_ : matplotlib Figure
        The figure that contains the axes.

    See Also
    --------
    FacesDisplay : Plot images with their labels and predictions.
    sklearn.metrics.ConfusionMatrixDisplay : Plot which classes are predicted for which.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import MistakesDisplay
    >>> X, y = make_faces(140, random_state=0)
    >>> model = FERDenseClassifier((16,), max_epochs=1, random_state=0).fit(X[:70], y[:70])
    >>> display = MistakesDisplay.from_estimator(model, X[70:], y[70:], true_class="happy")
    >>> len(display.indices) == display.n_mistakes, set(display.y_true.tolist())
    (True, {'happy'})
    """

    def __init__(
        self,
        images: NDArray,
        y_true: NDArray,
        y_pred: NDArray,
        confidence: NDArray,
        indices: NDArray,
        n_mistakes: int,
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.confidence = confidence
        self.indices = indices
        self.n_mistakes = n_mistakes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        true_class: Any = None,
        predicted_class: Any = None,
        n_images: int = 14,
        n_columns: int = 7,
        ax: Any = None,
    ) -> Self:
        """Plot the most confident errors of a fitted classifier.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier, Pipeline or search with ``predict_proba``.
        X : array-like of shape (n_samples, ...)
            The images, in a form that ``estimator.predict_proba`` takes.
        y : array-like of shape (n_samples,)
            The labels of the images. A label that `fit` did not see counts as an error.
        true_class : label, default=None
            The class of the images. If None, images of all classes are plotted.
        predicted_class : label, default=None
            The class that is predicted. If None, errors of all predicted classes are plotted.
        n_images : int, default=14
            The number of images, where there are as many errors.
        n_columns : int, default=7
            The number of images in a row.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : MistakesDisplay
            The display, with the plot.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If the classifier has no ``predict_proba``, or if `ax` is not matplotlib Axes.
        ValueError
            If X and y differ in length, if there is no such class, or if a number is not a
            positive integer.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"{type(estimator).__name__} has no predict_proba, which says how confident it is"
            )
        check_consistent_length(X, y)
        found = _most_confident(
            y, estimator.predict_proba(X), estimator.classes_, true_class, predicted_class, n_images
        )
        images = pictures(select(X, found["indices"]), estimator=estimator)
        return cls(images, **found).plot(ax, n_columns=n_columns)

    @classmethod
    def from_predictions(
        cls,
        X: ArrayLike,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        true_class: Any = None,
        predicted_class: Any = None,
        n_images: int = 14,
        n_columns: int = 7,
        image_shape: int | Sequence[int] | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot the most confident errors among given predictions.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The images, flat or not.
        y_true : array-like of shape (n_samples,)
            The labels of the images.
        y_proba : array-like of shape (n_samples, n_classes)
            The predicted probabilities.
        classes : array-like of shape (n_classes,), default=None
            The class of each column of `y_proba`. If None, the sorted labels in `y_true`.
        true_class : label, default=None
            The class of the images. If None, images of all classes are plotted.
        predicted_class : label, default=None
            The class that is predicted. If None, errors of all predicted classes are plotted.
        n_images : int, default=14
            The number of images, where there are as many errors.
        n_columns : int, default=7
            The number of images in a row.
        image_shape : int or tuple of int, default=None
            The shape (height, width) or (height, width, n_channels) of images in flat rows. If
            None, they are gray and square.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : MistakesDisplay
            The display, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If the arrays do not fit each other, if the rows of `y_proba` are not probabilities, if
            there is no such class, or if a number is not a positive integer.
        """
        check_consistent_length(X, y_true)
        found = _most_confident(y_true, y_proba, classes, true_class, predicted_class, n_images)
        images = pictures(select(X, found["indices"]), image_shape=image_shape)
        return cls(images, **found).plot(ax, n_columns=n_columns)

    def plot(self, ax: Any = None, *, n_columns: int = 7) -> Self:
        """Plot the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.
        n_columns : int, default=7
            The number of images in a row.

        Returns
        -------
        display : MistakesDisplay
            The display itself, with the plot. Without errors, the axes say so.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If `n_columns` is not a positive integer.
        """
        check_count("n_columns", n_columns)
        titles = [
            f"{short_name(predicted)} {share:.0%}\n(is {short_name(true)})"
            for predicted, share, true in zip(
                self.y_pred, self.confidence, self.y_true, strict=True
            )
        ]
        self.ax_ = draw_grid(self.images, titles, n_columns=n_columns, ax=ax)
        if not titles:
            self.ax_.text(0.5, 0.5, "No errors", ha="center", transform=self.ax_.transAxes)
        self.figure_ = self.ax_.figure
        return self


def _most_confident(
    y_true: Any, y_proba: Any, classes: Any, true_class: Any, predicted_class: Any, n_images: int
) -> dict[str, Any]:
    """Return the fields of the display besides the images."""
    check_count("n_images", n_images)
    y_true, y_proba, classes = check_probabilities(y_true, y_proba, classes)
    best = y_proba.argmax(axis=1)
    y_pred, confidence = classes[best], y_proba.max(axis=1)
    pairs = zip(y_true.tolist(), y_pred.tolist(), strict=True)
    is_wrong = np.array([true != predicted for true, predicted in pairs], dtype=bool)
    for name, label, labels, known in (
        ("true_class", true_class, y_true, set(y_true.tolist())),
        ("predicted_class", predicted_class, y_pred, set(classes.tolist())),
    ):
        if label is None:
            continue
        if label not in known:
            raise ValueError(f"got {name}={label!r}, expected one of {sorted(known, key=str)}")
        is_wrong &= labels == label
    wrong = np.flatnonzero(is_wrong)
    order = np.argsort(-confidence[wrong], kind="stable")
    indices = wrong[order][:n_images]
    return {
        "y_true": y_true[indices],
        "y_pred": y_pred[indices],
        "confidence": confidence[indices],
        "indices": indices,
        "n_mistakes": len(wrong),
    }
