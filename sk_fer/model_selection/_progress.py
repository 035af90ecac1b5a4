"""The progress of a search: a bar on a terminal, or a line for each finished candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from sk_fer.model_selection._check_candidates import describe_candidate


class SearchProgress:
    """The progress of a search, which is printed inside a ``with`` block.

    On a terminal and in a notebook, a bar shows the finished candidates and fits, the best mean
    score so far and the time that is left. Otherwise, a line is printed for each candidate whose
    fits on all folds have finished, and before that for each fold that all candidates have
    finished. The best candidate is one of those with the most finished folds.

    Parameters
    ----------
    verbose : int
        0 prints nothing, 1 the progress, and more the progress in lines, also on a terminal,
        because the fits print lines themselves.
    n_fits : int
        The number of fits of the whole search.
    score : str, default=None
        The score to show, if there are several. If None, it is the first one.
    total : float, default=None
        The sum of the weights of all fits. If None, it is `n_fits`.
    describe : callable, default=describe_candidate
        A function that returns the parameters of a candidate as text.
    console : rich.console.Console, default=None
        Where to print. If None, it is the standard output.

    Examples
    --------
    >>> from sk_fer.model_selection._progress import SearchProgress
    >>> with SearchProgress(1, n_fits=4) as progress:
    ...     progress.begin([{"lr": 0.1}, {"lr": 0.2}], n_folds=2)
    ...     for candidate, fold, score in ((0, 0, 0.5), (1, 0, 0.7), (0, 1, 0.6), (1, 1, 0.8)):
    ...         result = {"test_scores": score, "fit_time": 2.0, "fit_error": None}
    ...         progress.finished(candidate, fold, result)
    0/2 candidates, 2/4 fits, best 0.700 on 1 of 2 folds: lr=0.2
    1 of 2 candidates: 0.550 +/- 0.050, 2.0 s per fit, lr=0.1, the best so far
    2 of 2 candidates: 0.750 +/- 0.050, 2.0 s per fit, lr=0.2, the best so far
    """

    def __init__(
        self,
        verbose: int,
        *,
        n_fits: int,
        score: str | None = None,
        total: float | None = None,
        describe: Callable[[Mapping[str, Any]], str] = describe_candidate,
        console: Console | None = None,
    ) -> None:
        self.describe = describe
        self.score = score
        self.console = console or Console(highlight=False)
        terminal = self.console.is_terminal or self.console.is_jupyter
        self.shows_bar = verbose == 1 and terminal
        self.prints_lines = verbose > 0 and not self.shows_bar
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}%", style="progress.percentage"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn(
                "{task.fields[best]}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            console=self.console,
            disable=not self.shows_bar,
            expand=True,
        )
        self.n_fits = n_fits
        self.n_finished = 0
        self.share = 100 / (total or n_fits or 1)

    def __enter__(self) -> Self:
        self.bar.start()
        self.task = self.bar.add_task("", total=100, best="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def begin(
        self,
        candidates: Sequence[Mapping[str, Any]],
        n_folds: int,
        *,
        title: str = "",
        weight: float = 1.0,
    ) -> None:
        """Start to count the fits of some candidates.

        Parameters
        ----------
        candidates : sequence of dict
            The parameters of the candidates.
        n_folds : int
            The number of folds.
        title : str, default=""
            What these fits have in common, for example the number of epochs.
        weight : float, default=1.0
            The time of each of these fits, in any unit.
        """
        self.candidates = candidates
        self.title = f"{title}: " if title else ""
        self.weight = weight
        self.results: list[list[Mapping[str, Any]]] = [[] for _ in candidates]
        self.n_folds = n_folds
        self.n_complete = 0
        self.bar.update(self.task, description=self._counts())

    def finished(self, candidate: int, fold: int, result: Mapping[str, Any]) -> None:
        """Note a fit that has finished.

        Parameters
        ----------
        candidate, fold : int
            The numbers of the candidate and of the fold.
        result : mapping of str to object
            The result, as scikit-learn's searches have it.
        """
        if not (self.shows_bar or self.prints_lines):
            return
        self.results[candidate].append(result)
        self.n_finished += 1
        n_done = len(self.results[candidate])
        best = self._best()
        if n_done == self.n_folds:
            self.n_complete += 1
            self._print_candidate(candidate, best)
        elif self.prints_lines and len(self.candidates) > 1 and self._all_have(n_done):
            print(f"{self._counts()}{f', {best[1]}' if best else ''}", flush=True)
        self.bar.update(
            self.task,
            advance=self.weight * self.share,
            description=self._counts(),
            best=best[1] if best else "",
        )

    def _counts(self) -> str:
        return (
            f"{self.title}{self.n_complete}/{len(self.candidates)} candidates, "
            f"{self.n_finished}/{self.n_fits} fits"
        )

    def _all_have(self, n_folds: int) -> bool:
        return all(len(results) == n_folds for results in self.results)

    def _best(self) -> tuple[int, str] | None:
        """Return the best candidate among those with the most finished folds, and its text."""
        n_folds = max(map(len, self.results))
        means = [
            self._mean(results)[0] if len(results) == n_folds else np.nan
            for results in self.results
        ]
        if np.isnan(means).all():
            return None
        best = int(np.nanargmax(means))
        of_folds = "" if n_folds == self.n_folds else f" on {n_folds} of {self.n_folds} folds"
        return best, f"best {means[best]:.3f}{of_folds}: {self._name(best)}"

    def _mean(self, results: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
        """Return the mean and the spread of the scores of a candidate, NaN if a fit failed."""
        if any(result["fit_error"] is not None for result in results):
            return np.nan, np.nan
        scores = [_one_score(result["test_scores"], self.score) for result in results]
        return float(np.mean(scores)), float(np.std(scores))

    def _name(self, candidate: int) -> str:
        return self.describe(self.candidates[candidate]) or "defaults"

    def _print_candidate(self, candidate: int, best: tuple[int, str] | None) -> None:
        if not self.prints_lines:
            return
        mean, spread = self._mean(self.results[candidate])
        seconds = np.mean([result["fit_time"] for result in self.results[candidate]])
        score = f"{mean:.3f} +/- {spread:.3f}" if np.isfinite(mean) else "failed"
        is_best = best is not None and best[0] == candidate
        print(
            f"{self.title}{self.n_complete} of {len(self.candidates)} candidates: {score}, "
            f"{seconds:.1f} s per fit, {self._name(candidate)}"
            f"{', the best so far' if is_best else ''}",
            flush=True,
        )


def _one_score(scores: Any, name: str | None) -> float:
    """Return the score to show."""
    if isinstance(scores, Mapping):
        scores = scores.get(name, next(iter(scores.values())))
    return float(scores)
