"""A bar plot of the scores of several classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Self

from sk_fer._utils._metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

_METRICS = ("accuracy", "f1_macro", "balanced_accuracy")
_LONGEST_LINE = 30  # the longest line of a name that leaves room for the bars


class ComparisonDisplay:
    """Bar plot of the scores of several classifiers.

    It is recommended to use :meth:`from_table` to create it.

    Parameters
    ----------
    table : DataFrame
        One row per classifier, with the columns ``accuracy``, ``f1_macro`` and
        ``balanced_accuracy``, or those of them that are plotted, as returned by
        :func:`sk_fer.model_selection.compare`. A classifier without scores is shown as failed
        or, if the column ``error`` says so, as interrupted.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the bars.
    figure_ : matplotlib Figure
        The figure that contains the axes.

    See Also
    --------
    sk_fer.model_selection.compare : Fit and score classifiers.
    HistoryDisplay : Plot loss and accuracy over the epochs of one training.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import pandas as pd
    >>> from sk_fer.inspection import ComparisonDisplay
    >>> table = pd.DataFrame({"accuracy": [0.41, 0.52]}, index=["dense", "fast"])
    >>> display = ComparisonDisplay.from_table(table, metrics=["accuracy"])
    >>> [text.get_text() for text in display.ax_.texts]
    ['41.0%', '52.0%']
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_table(
        cls, table: pd.DataFrame, *, metrics: Sequence[str] = _METRICS, ax: Any = None
    ) -> Self:
        """Plot a table of scores.

        Parameters
        ----------
        table : DataFrame
            The table that :func:`sk_fer.model_selection.compare` returns.
        metrics : sequence of str, default=("accuracy", "f1_macro", "balanced_accuracy")
            The columns to plot.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : ComparisonDisplay
            The display, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If `metrics` contains another column, or if `table` is not a DataFrame with these
            columns.
        """
        return cls(table).plot(ax, metrics=metrics)

    def plot(self, ax: Any = None, *, metrics: Sequence[str] = _METRICS) -> Self:
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.
        metrics : sequence of str, default=("accuracy", "f1_macro", "balanced_accuracy")
            The columns to plot.

        Returns
        -------
        display : ComparisonDisplay
            The display itself, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If `metrics` contains another column, or if the table is not a DataFrame with these
            columns.
        """
        from matplotlib.axes import Axes
        from matplotlib.ticker import PercentFormatter

        self._check(metrics)
        if ax is None:
            from matplotlib import pyplot as plt

            height = 1.2 + len(self.table) * (0.2 + 0.22 * len(metrics))
            _, ax = plt.subplots(figsize=(7.5, height), layout="constrained")
        if not isinstance(ax, Axes):
            raise TypeError(f"got ax={ax!r}, expected matplotlib Axes")
        height = 0.8 / len(metrics)
        for i, metric in enumerate(metrics):
            places = [row + (i - (len(metrics) - 1) / 2) * height for row in range(len(self.table))]
            scores = self.table[metric].astype(float)
            bars = ax.barh(places, scores.fillna(0), 0.9 * height, label=METRICS[metric].title)
            ax.bar_label(bars, self._labels(scores), padding=3, fontsize="small")
        ax.set_yticks(range(len(self.table)), list(map(_in_lines, self.table.index)))
        ax.invert_yaxis()
        ax.set(xlim=(0, 1.1), xticks=[0, 0.2, 0.4, 0.6, 0.8, 1])  # room for the text beside a bar
        ax.xaxis.set_major_formatter(PercentFormatter(xmax=1))
        ax.grid(axis="x", alpha=0.3)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, ncols=len(metrics), loc="lower right", bbox_to_anchor=(1, 1))
        self.ax_ = ax
        self.figure_ = ax.figure
        return self

    def _labels(self, scores: pd.Series[float]) -> list[str]:
        """Return the text beside each bar: the score, or why there is none."""
        errors = self.table["error"] if "error" in self.table else [None] * len(scores)
        return [
            f"{score:.1%}" if known else _without_score(error)
            for score, known, error in zip(scores, scores.notna(), errors, strict=True)
        ]

    def _check(self, metrics: Sequence[str]) -> None:
        if isinstance(metrics, str) or not metrics or not set(metrics) <= set(METRICS):
            raise ValueError(f"got metrics={metrics!r}, expected some of {', '.join(METRICS)}")
        if not set(getattr(self.table, "columns", ())) >= set(metrics) or not len(self.table):
            raise ValueError(
                f"got a table of type {type(self.table).__name__}, expected a DataFrame of one row "
                f"or more, with the columns {', '.join(metrics)}"
            )


def _without_score(error: object) -> str:
    return "interrupted" if isinstance(error, str) and error == "interrupted" else "failed"


def _in_lines(name: object) -> str:
    """Break a long name into lines, first before its parameters."""
    parts = [str(name)]
    if len(parts[0]) > _LONGEST_LINE:
        parts = parts[0].replace("(", "\n(", 1).split("\n")
    return "\n".join(fill(part, _LONGEST_LINE) for part in parts)
