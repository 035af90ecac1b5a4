"""A plot of the history of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLUMNS = {"epoch", "train_loss", "train_accuracy"}
_CURVES = {"train": ("Training", "tab:blue"), "valid": ("Validation", "tab:orange")}


class HistoryDisplay:
    """Plot of the loss and accuracy after each epoch on training and validation images.

    It is recommended to use :meth:`from_estimator` to create it.

    Parameters
    ----------
    history : DataFrame
        The ``history_`` of a classifier: one row per epoch, with the columns ``epoch``,
        ``train_loss`` and ``train_accuracy``, and the columns ``valid_loss`` and
        ``valid_accuracy`` if there were validation images.

    Attributes
    ----------
    axes_ : ndarray of shape (2,) of matplotlib Axes
        The axes with the loss and with the accuracy.
    figure_ : matplotlib Figure
        The figure that contains the axes.

    See Also
    --------
    ComparisonDisplay : Plot the scores of several classifiers.
    sklearn.metrics.ConfusionMatrixDisplay : Plot which classes are predicted for which.
    sklearn.model_selection.LearningCurveDisplay : Plot scores against the number of images.

    Notes
    -----
    The training loss and accuracy are measured on the batches during training, with
    augmentation and dropout. Early in a fit, the training accuracy may therefore be lower than
    the validation accuracy.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import HistoryDisplay
    >>> X, y = make_faces(70, random_state=0)
    >>> model = FERDenseClassifier((16,), max_epochs=2, random_state=0).fit(X, y)
    >>> display = HistoryDisplay.from_estimator(model)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['Loss', 'Accuracy']
    """

    def __init__(self, history: pd.DataFrame) -> None:
        self.history = history

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Plot the history of a fitted classifier.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier with the attribute ``history_``.
        ax : array-like of two matplotlib Axes, default=None
            The axes for the loss and for the accuracy. If None, a new figure is created.

        Returns
        -------
        display : HistoryDisplay
            The display, with the plot.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If the classifier has no ``history_``, or if `ax` does not contain matplotlib Axes.
        ValueError
            If `ax` does not contain two axes.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "history_"):
            raise TypeError(
                f"{type(estimator).__name__} has no history_; expected a FER classifier"
            )
        return cls(estimator.history_).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the loss and the accuracy.

        Parameters
        ----------
        ax : array-like of two matplotlib Axes, default=None
            The axes for the loss and for the accuracy. If None, a new figure is created.

        Returns
        -------
        display : HistoryDisplay
            The display itself, with the plot.

        Raises
        ------
        TypeError
            If `ax` does not contain matplotlib Axes.
        ValueError
            If `ax` does not contain two axes, or if the history is not a DataFrame with the
            required columns.
        """
        import numpy as np
        from matplotlib.axes import Axes

        if not set(getattr(self.history, "columns", ())) >= _COLUMNS:
            raise ValueError(
                f"got a history of type {type(self.history).__name__}, expected a DataFrame with "
                f"the columns {', '.join(sorted(_COLUMNS))}"
            )
        if ax is None:
            from matplotlib import pyplot as plt

            _, ax = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        axes = np.ravel(np.asarray(ax, dtype=object))
        if len(axes) != 2:
            raise ValueError(
                f"ax has {len(axes)} axes; expected two, for the loss and the accuracy"
            )
        if not all(isinstance(each, Axes) for each in axes):
            raise TypeError(f"got ax={ax!r}, expected two matplotlib Axes")
        self._plot_curves(axes[0], "loss")
        self._plot_curves(axes[1], "accuracy")
        self.axes_ = axes
        self.figure_ = axes[0].figure
        return self

    def _plot_curves(self, ax: Axes, measure: str) -> None:
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        epochs = self.history["epoch"]
        for prefix, (label, color) in _CURVES.items():
            values = self.history.get(f"{prefix}_{measure}")
            if values is None:
                continue
            marker = "o" if len(epochs) <= 30 else None
            ax.plot(epochs, values, color=color, label=label, marker=marker, markersize=3.5)
        ax.set(xlabel="Epoch", ylabel=measure.capitalize())
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if measure == "accuracy":
            ax.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
