"""A plot of images with their labels and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import _num_samples, check_is_fitted

from sk_fer.inspection._face_grid import check_count, draw_grid, pictures, select, short_name


class FacesDisplay:
    """Plot of images in a grid, each below its label.

    It is recommended to use :meth:`from_images`, :meth:`from_estimator` or
    :meth:`from_predictions` to create it.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
        The images, as uint8 or as float from 0 to 1.
    y_true : ndarray of shape (n_images,), default=None
        The labels of the images. If None, they are not shown.
    y_pred : ndarray of shape (n_images,), default=None
        The predicted labels. If None, there are no predictions. If the label of an image is known
        and is another one, the image has a thick frame and both labels.
    confidence : ndarray of shape (n_images,), default=None
        The probability of each predicted label, from 0 to 1. If None, it is not shown.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the images.
    figure_ : matplotlib Figure
        The figure that contains the axes.

    See Also
    --------
    ContactSheetDisplay : Plot some images of each class.
    MistakesDisplay : Plot the most confident errors of a classifier.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import FacesDisplay
    >>> X, y = make_faces(70, random_state=0)
    >>> display = FacesDisplay.from_images(X, y, n_images=14)
    >>> display.images.shape, [text.get_text() for text in display.ax_.texts[:3]]
    ((14, 48, 48), ['surprise', 'neutral', 'neutral'])
    """

    def __init__(
        self,
        images: NDArray,
        *,
        y_true: NDArray | None = None,
        y_pred: NDArray | None = None,
        confidence: NDArray | None = None,
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.confidence = confidence

    @classmethod
    def from_images(
        cls,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        n_images: int = 21,
        n_columns: int = 7,
        image_shape: int | Sequence[int] | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot the first images of an array.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The images, flat or not. Pass ``X[rows]`` and ``y[rows]`` to plot other images than the
            first ones.
        y : array-like of shape (n_samples,), default=None
            The labels of the images. If None, the images have no titles.
        n_images : int, default=21
            The number of images, where X has as many.
        n_columns : int, default=7
            The number of images in a row.
        image_shape : int or tuple of int, default=None
            The shape (height, width) or (height, width, n_channels) of images in flat rows. If
            None, they are gray and square.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : FacesDisplay
            The display, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If X does not contain images, if X and y differ in length, or if a number is not a
            positive integer.
        """
        return cls._of_first(X, (y, None, None), n_images, n_columns, image_shape, ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        n_images: int = 21,
        n_columns: int = 7,
        ax: Any = None,
    ) -> Self:
        """Plot the first images of X with the predictions of a classifier.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier, Pipeline or search.
        X : array-like of shape (n_samples, ...)
            The images, in a form that ``estimator.predict`` takes.
        y : array-like of shape (n_samples,), default=None
            The labels of the images. If None, wrong predictions are not marked.
        n_images : int, default=21
            The number of images, where X has as many.
        n_columns : int, default=7
            The number of images in a row.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : FacesDisplay
            The display, with the plot.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If `estimator` is not an estimator, or if `ax` is not matplotlib Axes.
        ValueError
            If X does not contain images, if X and y differ in length, or if a number is not a
            positive integer.
        """
        check_is_fitted(estimator)
        check_count("n_images", n_images)
        if y is not None:
            check_consistent_length(X, y)
        first = slice(min(n_images, _num_samples(X)))
        X, y = select(X, first), None if y is None else column_or_1d(y)[first]
        y_pred, confidence = np.asarray(estimator.predict(X)), None
        if hasattr(estimator, "predict_proba"):
            columns = {label: i for i, label in enumerate(estimator.classes_.tolist())}
            predicted = [columns[label] for label in y_pred.tolist()]
            confidence = estimator.predict_proba(X)[np.arange(len(y_pred)), predicted]
        images = pictures(X, estimator=estimator)
        return cls(images, y_true=y, y_pred=y_pred, confidence=confidence).plot(
            ax, n_columns=n_columns
        )

    @classmethod
    def from_predictions(
        cls,
        X: ArrayLike,
        y_true: ArrayLike | None,
        y_pred: ArrayLike,
        *,
        confidence: ArrayLike | None = None,
        n_images: int = 21,
        n_columns: int = 7,
        image_shape: int | Sequence[int] | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot the first images of an array with given predictions.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The images, flat or not.
        y_true : array-like of shape (n_samples,) or None
            The labels of the images. If None, wrong predictions are not marked.
        y_pred : array-like of shape (n_samples,)
            The predicted labels.
        confidence : array-like of shape (n_samples,), default=None
            The probability of each predicted label, from 0 to 1. If None, it is not shown.
        n_images : int, default=21
            The number of images, where X has as many.
        n_columns : int, default=7
            The number of images in a row.
        image_shape : int or tuple of int, default=None
            The shape (height, width) or (height, width, n_channels) of images in flat rows. If
            None, they are gray and square.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : FacesDisplay
            The display, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If X does not contain images, if the arrays differ in length, if `confidence` is not
            from 0 to 1, or if a number is not a positive integer.
        """
        columns = (y_true, y_pred, confidence)
        return cls._of_first(X, columns, n_images, n_columns, image_shape, ax)

    @classmethod
    def _of_first(
        cls, X: Any, columns: Any, n_images: int, n_columns: int, image_shape: Any, ax: Any
    ) -> Self:
        check_count("n_images", n_images)
        check_consistent_length(X, *columns)
        first = slice(min(n_images, _num_samples(X)))
        images = pictures(select(X, first), image_shape=image_shape)
        y_true, y_pred, confidence = (
            None if column is None else column_or_1d(column)[first] for column in columns
        )
        if confidence is not None and not ((confidence >= 0) & (confidence <= 1)).all():
            raise ValueError(
                f"got confidences from {confidence.min():.4g} to {confidence.max():.4g}, expected "
                "probabilities from 0 to 1"
            )
        display = cls(images, y_true=y_true, y_pred=y_pred, confidence=confidence)
        return display.plot(ax, n_columns=n_columns)

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
        display : FacesDisplay
            The display itself, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If `n_columns` is not a positive integer.
        """
        check_count("n_columns", n_columns)
        n_images = len(self.images)
        is_wrong = np.zeros(n_images, dtype=bool)
        if self.y_true is not None and self.y_pred is not None:
            pairs = zip(self.y_true.tolist(), self.y_pred.tolist(), strict=True)
            is_wrong[:] = [true != predicted for true, predicted in pairs]
        titles = [self._title(i, wrong) for i, wrong in enumerate(is_wrong)]
        self.ax_ = draw_grid(
            self.images, titles, framed=is_wrong.tolist(), n_columns=n_columns, ax=ax
        )
        self.figure_ = self.ax_.figure
        return self

    def _title(self, i: int, is_wrong: bool) -> str:
        if self.y_pred is None:
            return "" if self.y_true is None else short_name(self.y_true[i])
        title = short_name(self.y_pred[i])
        if self.confidence is not None:
            title += f" {self.confidence[i]:.0%}"
        if is_wrong and self.y_true is not None:
            title += f"\n(is {short_name(self.y_true[i])})"
        return title
