"""The kinds of plots of the results of a search."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000")  # for colour-blind
_MARKERS = "osD^vP"
_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_COLOR_MAP = "cividis_r"  # its lightness falls with the score
_LONGEST_TEXT = 24
_STOPPED = "stopped early"


class Scale:
    """The axis of a parameter: its values in order, and where they are.

    Parameters
    ----------
    name : str
        The name of the parameter.
    values : Series
        The value of each candidate.
    names : sequence of str
        The names of all parameters, of which the shortest distinct ends are shown.
    """

    def __init__(self, name: str, values: Any, names: Sequence[str]) -> None:
        self.name = name
        end = name.rpartition("__")[2]
        self.label = end if [n.rpartition("__")[2] for n in names].count(end) == 1 else name
        distinct = {repr(_plain(value)): _plain(value) for value in values}
        self.is_number = all(_is_number(value) for value in distinct.values())
        if self.is_number:
            distinct = dict(sorted(distinct.items(), key=lambda item: item[1]))
        self.values = list(distinct.values())
        self.texts = [_text(value) for value in self.values]
        self._places = {key: place for place, key in enumerate(distinct)}
        self.is_log = self.is_number and _spans_magnitudes(self.values)

    def position(self, value: Any) -> float:
        """Return where a value is: the number itself, or the place among the values."""
        return float(value) if self.is_number else self.place(value)

    def place(self, value: Any) -> int:
        """Return the place of a value among the distinct values."""
        return self._places[repr(_plain(value))]

    def share(self, value: Any) -> float:
        """Return where a value is on an axis from 0 to 1."""
        ends = [self.position(self.values[0]), self.position(self.values[-1])]
        x = self.position(value)
        if self.is_log:
            ends, x = list(np.log(ends)), float(np.log(x))
        return 0.5 if ends[0] == ends[1] else (x - ends[0]) / (ends[1] - ends[0])

    def label_axis(self, axis: Any) -> None:
        """Write the values at an axis of matplotlib."""
        positions = [self.position(value) for value in self.values]
        if len(positions) <= 12:
            axis.set_ticks(positions, self.texts)
            axis.set_ticks([], minor=True)
        axis.set_label_text(self.label, parse_math=False)


def _plain(value: Any) -> Any:
    """Return a scalar of NumPy as a number of Python, and a missing value as None."""
    if isinstance(value, np.generic):
        value = value.item()
    is_missing = value is np.ma.masked or (isinstance(value, float) and np.isnan(value))
    return _MISSING if is_missing else value


class _Missing:
    def __repr__(self) -> str:
        return "(not set)"


_MISSING = _Missing()


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _spans_magnitudes(values: list[Any]) -> bool:
    """Return whether numbers are of several orders of magnitude, or each a multiple of the last."""
    if len(values) < 2 or values[0] <= 0:
        return False
    steps = np.diff(np.log(np.array(values, dtype=float)))
    is_geometric = len(steps) > 1 and steps.max() < 1.3 * steps.min()
    return values[-1] / values[0] >= (8 if is_geometric else 30)


def _text(value: Any) -> str:
    if _is_number(value):
        return f"{value:g}"
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _best(shown: Any) -> Any:
    """Return the label of the best row, among those that were not stopped, or None."""
    last = shown[~shown["stopped"]]["mean"]
    return None if last.isna().all() else last.idxmax()


def plot_lines(ax: Axes, shown: Any, x: Scale, by: Scale | None, score_label: str) -> None:
    """Plot the score against a parameter, with a line for each value of another one."""
    from matplotlib.transforms import ScaledTranslation

    n_lines = 1 if by is None else len(by.values)
    best = _best(shown)
    if x.is_log:
        ax.set_xscale("log")
    for i in range(n_lines):
        rows = shown if by is None else shown[[by.place(v) == i for v in shown[by.name]]]
        rows = rows.iloc[np.argsort([x.position(v) for v in rows[x.name]], kind="stable")]
        positions = np.array([x.position(value) for value in rows[x.name]])
        # Lines next to each other keep their error bars apart.
        shift = ScaledTranslation((i - (n_lines - 1) / 2) / 18, 0, ax.figure.dpi_scale_trans)
        place: dict[str, Any] = {"transform": ax.transData + shift}
        color, marker = _COLORS[i % len(_COLORS)], _MARKERS[i % len(_MARKERS)]
        _include(ax, positions, rows)  # shifted lines do not change the limits of the axes
        for position, folds in zip(positions, rows["folds"], strict=True):
            ax.plot([position] * len(folds), folds, "_", color=color, alpha=0.5, ms=5, **place)
        ax.errorbar(
            positions,
            rows["mean"].to_numpy(float),
            rows["std"].to_numpy(float),
            color=color,
            marker=marker,
            linestyle=_STYLES[i % len(_STYLES)],
            capsize=3,
            label=None if by is None else by.texts[i],
            **place,
        )
        stopped = rows["stopped"].to_numpy()
        ax.plot(
            positions[stopped],
            rows["mean"][stopped],
            marker,
            color=color,
            markerfacecolor="white",
            zorder=2.5,
            **place,
        )
        failed = rows["mean"].isna().to_numpy()
        for position in positions[failed]:
            ax.annotate(
                "failed",
                (position, 0.01),
                xycoords=("data", "axes fraction"),
                rotation=90,
                ha="center",
                va="bottom",
                fontsize="small",
                color=color,
            )
        if best in rows.index:
            ax.plot(
                x.position(rows.loc[best, x.name]),
                rows.loc[best, "mean"],
                marker="*",
                markersize=15,
                color="black",
                markerfacecolor="gold",
                linestyle="",
                zorder=3,
                **place,
            )
    if shown["stopped"].any():
        ax.plot([], [], "o", color="0.3", markerfacecolor="white", label=_STOPPED)
    x.label_axis(ax.xaxis)
    ax.margins(x=0.08)
    if by is not None or shown["stopped"].any():
        entries = zip(*ax.get_legend_handles_labels(), strict=True)
        handles, labels = zip(*sorted(entries, key=lambda entry: entry[1] == _STOPPED), strict=True)
        title = None if by is None else by.label
        legend = ax.legend(handles, labels, title=title, frameon=False)
        for text in (*legend.get_texts(), legend.get_title()):
            text.set_parse_math(False)
    _finish(ax, score_label)


def plot_heat_map(ax: Axes, shown: Any, x: Scale, y: Scale, score_label: str) -> None:
    """Plot the score of each pair of values as a cell, with a frame around the best one."""
    from matplotlib.patches import Rectangle

    means = np.full((len(y.values), len(x.values)), np.nan)
    places = {
        row: (y.place(v), x.place(u))
        for row, u, v in zip(shown.index, shown[x.name], shown[y.name], strict=True)
    }
    for row, place in places.items():
        means[place] = shown.loc[row, "mean"]
    image = ax.imshow(means, cmap=_COLOR_MAP, aspect="auto", origin="lower")
    for row, (i, j) in places.items():
        mean, std = shown.loc[row, ["mean", "std"]]
        dark = mean > (np.nanmin(means) + np.nanmax(means)) / 2
        text = f"{mean:.3f}\n± {std:.3f}" if np.isfinite(mean) else "failed"
        if shown.loc[row, "stopped"]:
            text += f"\n{_STOPPED}"
        color = "white" if dark else "black"
        ax.text(j, i, text, ha="center", va="center", fontsize="small", color=color)
    best = _best(shown)
    if best is not None:
        i, j = places[best]
        frame: dict[str, Any] = {
            "fill": False,
            "edgecolor": "black",
            "linewidth": 3,
            "clip_on": False,
        }
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, **frame))
    for axis, scale in ((ax.xaxis, x), (ax.yaxis, y)):
        axis.set_ticks(range(len(scale.values)), scale.texts)
        axis.set_label_text(scale.label, parse_math=False)
    ax.figure.colorbar(image, ax=ax, label=score_label)


def plot_parallel_coordinates(
    ax: Axes, shown: Any, scales: Sequence[Scale], score_label: str
) -> None:
    """Plot each candidate as a line through its parameters and its score."""
    import matplotlib as mpl

    means = shown["mean"]
    low, high = (0.0, 1.0) if means.isna().all() else (means.min(), means.max())
    spread = (high - low) or 1.0
    colors = mpl.colormaps[_COLOR_MAP]
    best = _best(shown)
    order = means.sort_values(na_position="first").index  # the best lines are above the others
    for row in order:
        mean = means[row]
        heights = [scale.share(shown.loc[row, scale.name]) for scale in scales]
        failed = not np.isfinite(mean)
        share = 0.0 if failed else float((mean - low) / spread)
        ax.plot(
            range(len(scales) + (not failed)),
            heights if failed else [*heights, share],
            color="0.6" if failed else colors(0.1 + 0.9 * share),
            linewidth=1 + 1.5 * share,
            linestyle=":" if failed or shown.loc[row, "stopped"] else "-",
            marker="o",
            markersize=3,
        )
    if best is not None:
        heights = [scale.share(shown.loc[best, scale.name]) for scale in scales]
        ends = [*heights, float((means[best] - low) / spread)]
        ax.plot(range(len(ends)), ends, color="black", linewidth=4.5, zorder=1.9)
        ax.plot(
            range(len(ends)),
            ends,
            color="black",
            marker="*",
            markersize=13,
            markerfacecolor="gold",
            linewidth=1.5,
            clip_on=False,
        )
    for x, scale in enumerate(scales):
        ax.axvline(x, color="0.4", linewidth=0.8, zorder=0)
        values = scale.values if len(scale.values) <= 10 else [scale.values[0], scale.values[-1]]
        for value in values:
            ax.annotate(
                _text(value),
                (x, scale.share(value)),
                xytext=(4, 3),
                textcoords="offset points",
                fontsize="small",
                parse_math=False,
                bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.7, "lw": 0},
                zorder=4,
            )
    dotted = {_STOPPED: shown["stopped"] & means.notna(), "failed": means.isna()}
    for label, rows in dotted.items():
        if rows.any():
            ax.plot([], [], ":", color="0.6" if label == "failed" else colors(0.9), label=label)
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    right = ax.secondary_yaxis("right", functions=_scaled(low, spread))
    right.set_ylabel(score_label, parse_math=False)
    ax.set_xticks(range(len(scales)), [scale.label for scale in scales])
    for text in ax.get_xticklabels():
        text.set_parse_math(False)
    ax.set(xlim=(-0.1, len(scales)), ylim=(-0.05, 1.05), yticks=[])
    ax.spines[["top", "left", "bottom"]].set_visible(False)


def _scaled(low: float, spread: float) -> tuple[Any, Any]:
    return (lambda share: low + share * spread), (lambda score: (score - low) / spread)


def _include(ax: Axes, positions: Any, rows: Any) -> None:
    """Extend the limits of the axes to the scores of all folds and the ends of all error bars."""
    means, stds = rows["mean"].to_numpy(), rows["std"].to_numpy()
    points = [
        *zip(positions, means - stds, strict=True),
        *zip(positions, means + stds, strict=True),
    ]
    for position, folds in zip(positions, rows["folds"], strict=True):
        points += [(position, fold) for fold in folds]
    ax.update_datalim([(x, y if np.isfinite(y) else np.nan) for x, y in points], updatey=True)
    ax.autoscale_view()


def _finish(ax: Axes, score_label: str) -> None:
    ax.set_ylabel(score_label, parse_math=False)
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
