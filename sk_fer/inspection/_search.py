"""A plot of the results of a search over parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

from sk_fer.inspection._search_plots import (
    Scale,
    plot_heat_map,
    plot_lines,
    plot_parallel_coordinates,
)

if TYPE_CHECKING:
    import pandas as pd

_MOST_LINES = 6


class SearchDisplay:
    """Plot of the scores of a search against its parameters.

    With one parameter, it shows the mean score of each value, its standard deviation over the
    folds, and the score of each fold. With two, it shows a line for each value of one of them, or
    a heat map if both have many values. With more, each candidate is a line through the values of
    its parameters and its score. Parameters with values over several orders of magnitude, such as
    learning rates, have a logarithmic scale. A star or frame marks the best candidate. It is
    recommended to use :meth:`from_estimator` or :meth:`from_cv_results` to create the display.

    Parameters
    ----------
    results : DataFrame
        One row per candidate, with the columns of ``cv_results_``.
    params : list of str
        The parameters to show, as they are named in the columns ``param_<name>``.
    score : str, default="score"
        The score to show: ``mean_test_<score>`` is its column.
    score_label : str, default=None
        The label of the score. If None, it is `score`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the plot.
    figure_ : matplotlib Figure
        The figure that contains the axes.
    shown_ : DataFrame
        The candidates in the plot: their parameters, ``mean``, ``std`` and ``folds`` (the scores
        of the folds), and ``stopped``, which says whether a halving search stopped the candidate
        before the last comparison.

    See Also
    --------
    sk_fer.model_selection.grid_search : Search over parameters.
    ComparisonDisplay : Plot the scores of several classifiers.

    Notes
    -----
    If several candidates have the same values of the parameters that are shown, the best one of
    them is shown. Of a halving search, the last score of each candidate is shown. Candidates that
    were stopped early have hollow markers or dotted lines, which the legend explains: their scores
    are of fewer epochs or images. ``pd.DataFrame(search.cv_results_)`` is the table of all results.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import SearchDisplay
    >>> from sk_fer.model_selection import grid_search
    >>> X, y = make_faces(70, image_size=16, random_state=0)
    >>> model = FERDenseClassifier((8,), max_epochs=2, random_state=0)
    >>> search = grid_search(model, {"lr": [0.001, 0.01, 0.1]}, X, y, cv=2)
    >>> display = SearchDisplay.from_estimator(search)
    >>> display.ax_.get_xscale(), display.shown_["lr"].tolist()
    ('log', [0.001, 0.01, 0.1])
    """

    def __init__(
        self,
        results: pd.DataFrame,
        params: Sequence[str],
        *,
        score: str = "score",
        score_label: str | None = None,
    ) -> None:
        self.results = results
        self.params = params
        self.score = score
        self.score_label = score_label

    @classmethod
    def from_estimator(
        cls,
        search: Any,
        *,
        params: Sequence[str] | None = None,
        score: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot the results of a fitted search.

        Parameters
        ----------
        search : FERGridSearchCV, FERHalvingSearchCV or a search of scikit-learn
            The fitted search, with the attribute ``cv_results_``.
        params : sequence of str, default=None
            The parameters to show, as in the grid. If None, all with more than one value.
        score : str, default=None
            The score to show, if the search has several. If None, it is the one in `refit`.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : SearchDisplay
            The display, with the plot.

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        TypeError
            If `search` has no ``cv_results_``, or if `ax` is not matplotlib Axes.
        ValueError
            If a parameter or the score is not in the results.
        """
        check_is_fitted(search)
        if not hasattr(search, "cv_results_"):
            raise TypeError(f"{type(search).__name__} has no cv_results_; expected a search")
        refit, scoring = getattr(search, "refit", None), getattr(search, "scoring", None)
        if score is None and isinstance(refit, str):
            score = refit
        label = scoring if isinstance(scoring, str) and score is None else None
        return cls._from(search.cv_results_, params, score, label, ax)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: pd.DataFrame | Mapping[str, Any],
        *,
        params: Sequence[str] | None = None,
        score: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot results that were kept as a table.

        Parameters
        ----------
        cv_results : DataFrame or dict
            The ``cv_results_`` of a search, for example as read from a CSV file.
        params : sequence of str, default=None
            The parameters to show, as in the grid. If None, all with more than one value.
        score : str, default=None
            The score to show. If None, it is the only one.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : SearchDisplay
            The display, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If a parameter or the score is not in the results.
        """
        return cls._from(cv_results, params, score, None, ax)

    @classmethod
    def _from(
        cls, cv_results: Any, params: Sequence[str] | None, score: str | None, label: Any, ax: Any
    ) -> Self:
        import pandas as pd

        results = pd.DataFrame(cv_results)
        scores = [
            str(name).removeprefix("mean_test_")
            for name in results
            if str(name).startswith("mean_test_")
        ]
        if score is None and len(scores) == 1:
            score = scores[0]
        if score not in scores:
            raise ValueError(f"got score={score!r}, expected one of {', '.join(scores) or 'none'}")
        known = {
            str(name).removeprefix("param_"): results[name]
            for name in results
            if str(name).startswith("param_")
        }
        if params is None:
            params = [name for name, values in known.items() if len(set(map(repr, values))) > 1]
            params = params or list(known)[:1]
        unknown = [name for name in params if name not in known]
        if isinstance(params, str) or unknown or not params:
            raise ValueError(
                f"got params={params!r}, expected a list of some of {', '.join(known)}"
            )
        return cls(results, list(params), score=score, score_label=label).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the results.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : SearchDisplay
            The display itself, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        """
        from matplotlib.axes import Axes

        self.shown_ = self._candidates()
        if ax is None:
            from matplotlib import pyplot as plt

            width = max(6.4, 1.6 * (len(self.params) + 1))
            _, ax = plt.subplots(figsize=(width, 4.2), layout="constrained")
        if not isinstance(ax, Axes):
            raise TypeError(f"got ax={ax!r}, expected matplotlib Axes")
        scales = [Scale(name, self.shown_[name], self.params) for name in self.params]
        label = self.score_label or self.score
        label = "Score" if label == "score" else label.replace("_", " ")
        label = label[0].upper() + label[1:]
        if len(scales) == 1:
            plot_lines(ax, self.shown_, scales[0], None, label)
        elif len(scales) == 2:
            # The parameter with the longest axis is x.
            second, first = sorted(scales, key=lambda scale: (scale.is_number, len(scale.values)))
            n_cells = len(first.values) * len(second.values)
            if len(second.values) <= _MOST_LINES and (first.is_number or not second.is_number):
                plot_lines(ax, self.shown_, first, second, label)
            elif 2 * len(self.shown_) >= n_cells:
                plot_heat_map(ax, self.shown_, first, second, label)
            else:
                plot_parallel_coordinates(ax, self.shown_, scales, label)
        else:
            plot_parallel_coordinates(ax, self.shown_, scales, label)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self

    def _candidates(self) -> pd.DataFrame:
        """Return the candidates to show, the best one of those that look the same."""
        import pandas as pd

        results = self.results
        folds = [
            name
            for name in results
            if str(name).startswith("split") and str(name).endswith(f"_test_{self.score}")
        ]
        table = pd.DataFrame({name: results[f"param_{name}"] for name in self.params})
        table["mean"] = results[f"mean_test_{self.score}"].astype(float)
        table["std"] = results.get(f"std_test_{self.score}", pd.Series(0.0, results.index))
        table["folds"] = [list(map(float, row)) for row in results[folds].to_numpy()]
        table["stopped"] = False
        if "iter" in results:  # of a halving search
            every = [name for name in results if str(name).startswith("param_")]
            # The resource of scikit-learn's searches is a parameter of its own in each iteration.
            names = [name for name in every if list(results[name]) != list(results["n_resources"])]
            table["stopped"] = results["iter"] < results["iter"].max()
            keys = results[names].map(repr).agg("".join, axis=1)
            table = table[~keys.duplicated(keep="last")]
        order = table.sort_values("mean", ascending=False, kind="stable", na_position="last")
        order = order.iloc[order["stopped"].argsort(kind="stable")]
        looks = order[self.params].map(repr).agg(tuple, axis=1)
        return order[~looks.duplicated()].sort_index()
