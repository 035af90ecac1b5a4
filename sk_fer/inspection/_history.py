"""A plot of the history of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLUMNS = {"epoch", "train_loss", "train_accuracy"}
_CURVES = {"train": ("training", "--"), "valid": ("validation", "-")}
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000")  # for colour-blind
_MARKERS = "osD^vP"


class HistoryDisplay:
    """Plot of the loss and accuracy after each epoch on training and validation images.

    Curves of training images are dashed, and those of validation images are solid. A star marks
    the best epoch, which has the lowest loss on the validation images. It is recommended to use
    :meth:`from_estimator` or :meth:`from_estimators` to create the display.

    Parameters
    ----------
    history : DataFrame or dict of str to DataFrame
        The ``history_`` of a classifier: one row per epoch, with the columns ``epoch``,
        ``train_loss`` and ``train_accuracy``, and the columns ``valid_loss`` and
        ``valid_accuracy`` if there were validation images. Or several histories by name.

    Attributes
    ----------
    axes_ : ndarray of shape (2,) of matplotlib Axes
        The axes with the loss and with the accuracy.
    figure_ : matplotlib Figure
        The figure that contains the axes.
    best_epochs_ : list of (int or None)
        The best epoch of each history, or None without losses on validation images.

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

    def __init__(self, history: pd.DataFrame | dict[str, pd.DataFrame]) -> None:
        self.history = history

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Plot the history of a fitted classifier.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier with the attribute ``history_``, or a Pipeline or search with one.
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
        return cls(_history_of(estimator)).plot(ax=ax)

    @classmethod
    def from_estimators(cls, estimators: dict[str, Any], *, ax: Any = None) -> Self:
        """Plot the histories of several fitted classifiers over each other.

        Parameters
        ----------
        estimators : dict of str to classifier
            The fitted classifiers by the names that the legend shows.
        ax : array-like of two matplotlib Axes, default=None
            The axes for the loss and for the accuracy. If None, a new figure is created.

        Returns
        -------
        display : HistoryDisplay
            The display, with the plot.

        Raises
        ------
        NotFittedError
            If a classifier is not fitted.
        TypeError
            If `estimators` is not a dict, if a classifier has no ``history_``, or if `ax` does not
            contain matplotlib Axes.
        ValueError
            If there are no classifiers, or if `ax` does not contain two axes.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sk_fer import FERDenseClassifier
        >>> from sk_fer.datasets import make_faces
        >>> from sk_fer.inspection import HistoryDisplay
        >>> X, y = make_faces(70, random_state=0)
        >>> estimators = {
        ...     f"{n} units": FERDenseClassifier((n,), max_epochs=2, random_state=0).fit(X, y)
        ...     for n in (8, 16)
        ... }
        >>> display = HistoryDisplay.from_estimators(estimators)
        >>> list(display.history)
        ['8 units', '16 units']
        """
        if not isinstance(estimators, dict):
            raise TypeError(
                f"got estimators of type {type(estimators).__name__}, expected a dict of names to "
                "fitted classifiers"
            )
        return cls({str(name): _history_of(each) for name, each in estimators.items()}).plot(ax)

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

        histories = self.history if isinstance(self.history, dict) else {"": self.history}
        if not histories:
            raise ValueError("got no histories, expected one or more")
        for history in histories.values():
            if not set(getattr(history, "columns", ())) >= _COLUMNS:
                raise ValueError(
                    f"got a history of type {type(history).__name__}, expected a DataFrame with "
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
        self.best_epochs_ = list(map(_best_epoch, histories.values()))
        for each, measure in zip(axes, ("loss", "accuracy"), strict=True):
            self._plot_curves(each, measure, histories)
        self.axes_ = axes
        self.figure_ = axes[0].figure
        return self

    def _plot_curves(self, ax: Axes, measure: str, histories: dict[str, pd.DataFrame]) -> None:
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        for i, (name, history) in enumerate(histories.items()):
            epochs, color = history["epoch"], _COLORS[i % len(_COLORS)]
            for prefix, (split, style) in _CURVES.items():
                values = history.get(f"{prefix}_{measure}")
                if values is None:
                    continue
                ax.plot(
                    epochs,
                    values,
                    color=color,
                    linestyle=style,
                    label=f"{name}, {split}" if name else split.capitalize(),
                    marker=_MARKERS[i % len(_MARKERS)],
                    markevery=max(1, len(epochs) // 10),
                    markersize=4,
                    markerfacecolor="white" if prefix == "train" else color,
                )
        self._mark_best(ax, measure, histories)
        ax.set(xlabel="Epoch", ylabel=measure.capitalize())
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if measure == "accuracy":
            ax.yaxis.set_major_formatter(PercentFormatter(xmax=1))
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        legend = ax.legend(frameon=False, fontsize="small" if len(histories) > 1 else None)
        for text in legend.get_texts():
            text.set_parse_math(False)

    def _mark_best(self, ax: Axes, measure: str, histories: dict[str, pd.DataFrame]) -> None:
        label: str | None = "Best epoch"
        for best, history in zip(self.best_epochs_, histories.values(), strict=True):
            values = history.get(f"valid_{measure}")
            if best is None or values is None:
                continue
            ax.plot(
                best,
                values[history["epoch"] == best].iloc[0],
                linestyle="",
                marker="*",
                markersize=13,
                color="black",
                markerfacecolor="gold",
                zorder=3,
                label=label,
            )
            label = None  # the legend explains the star once


def _history_of(estimator: Any) -> pd.DataFrame:
    """Return the history of a fitted classifier, or of the last step of a Pipeline or search."""
    check_is_fitted(estimator)
    last = getattr(estimator, "best_estimator_", estimator)
    last = last[-1] if isinstance(last, Pipeline) else last
    if not hasattr(last, "history_"):
        raise TypeError(f"{type(last).__name__} has no history_; expected a FER classifier")
    return last.history_


def _best_epoch(history: pd.DataFrame) -> int | None:
    losses = history.get("valid_loss")
    if losses is None or losses.isna().all():
        return None
    return int(history["epoch"].iloc[int(losses.argmin())])
