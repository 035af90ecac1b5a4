"""A search whose candidates Optuna proposes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.utils import Bunch

from sk_fer.model_selection._check_candidates import check_candidates, describe_candidate
from sk_fer.model_selection._check_search import check_any_score, check_search
from sk_fer.model_selection._evaluate import evaluate, name_candidates
from sk_fer.model_selection._grid_search_cv import FERGridSearchCV
from sk_fer.model_selection._journal import open_journal
from sk_fer.model_selection._optuna_candidates import OptunaCandidates, import_optuna
from sk_fer.model_selection._progress import SearchProgress
from sk_fer.model_selection._ranges import Range
from sk_fer.model_selection._search_description import describe_search

STUDY = "study.db"


def optuna_search(
    estimator: Any,
    grids: Sequence[Mapping[str, Sequence[Any] | Range]],
    X: Any,
    y: Any,
    folds: Sequence[tuple[Any, Any]],
    *,
    folder: str | PathLike[str],
    n_candidates: int,
    scoring: str = "accuracy",
    fit_params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
    describe: Callable[[Mapping[str, Any]], str] = describe_candidate,
) -> Bunch:
    """Search over candidates that Optuna proposes from the scores of those before.

    The folder has the study, ``study.db``, and the journal of the finished fits. If it has those of
    the same search, the search continues: no fit is repeated, and the candidates are those of a
    search that was not stopped. With a larger `n_candidates`, more are proposed.

    Parameters
    ----------
    estimator : estimator
        The estimator, such as a classifier of sk_fer or a Pipeline that ends with one.
    grids : sequence of dict of str to (list or Range)
        The values of each parameter, in one grid or several.
    X, y : array-like
        The images and labels.
    folds : sequence of (ndarray, ndarray)
        The rows to train and to test on in each fold.
    folder : str or path-like
        The folder of the study and the journal, which is created if it does not exist.
    n_candidates : int
        The number of candidates.
    scoring : str, default="accuracy"
        The name of the score.
    fit_params : mapping of str to object, default=None
        Parameters of ``fit``. Those with a value for each image are divided as the images are.
    n_jobs : int, default=None
        The number of fits at a time. As many candidates are proposed at a time as it takes to
        use them.
    random_state : int, default=0
        The seed of the proposals.
    verbose : int, default=0
        If it is greater than zero, the progress is shown, as in :class:`FERGridSearchCV`.
    describe : callable, default=describe_candidate
        A function that returns the parameters of a candidate as text, for the progress.

    Returns
    -------
    search : :class:`~sklearn.utils.Bunch`
        With ``cv_results_``, ``best_index_``, ``best_params_`` and ``best_score_``, as in
        :class:`~sklearn.model_selection.GridSearchCV`.

    Raises
    ------
    ImportError
        If Optuna is not installed.
    ValueError
        If a value of the grids is not valid, the folds or the score cannot be used, or the folder
        has another search. Nothing is fitted in these cases. Also if all candidates fail.
    """
    import_optuna()
    check_candidates(estimator, [each for grid in grids for each in each_value(grid)])
    cv = check_cv(list(folds))
    check_search(estimator, [{}], X, y, cv=cv, scoring=scoring)
    settings = {"grids": [_described(grid) for grid in grids], "random_state": random_state}
    described = describe_search(
        estimator, [], X, y, folds, scoring=scoring, **settings, **(fit_params or {})
    )
    at_a_time = max(1, effective_n_jobs(n_jobs) // len(folds))
    candidates: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    with (
        open_journal(folder, described) as journal,
        SearchProgress(verbose, n_fits=n_candidates * len(folds), describe=describe) as progress,
    ):
        study = OptunaCandidates(Path(folder, STUDY), grids, random_state)
        shown: list[dict[str, Any]] = [{} for _ in range(n_candidates)]  # filled one by one
        progress.begin(shown, len(folds))

        def score(new: list[dict[str, Any]]) -> list[float]:
            first = len(candidates)
            candidates.extend(new)
            for place, candidate in zip(shown[first:], new, strict=False):
                place.update(candidate)
            out = evaluate(
                clone(estimator),
                new,
                X,
                y,
                folds,
                n_jobs=n_jobs,
                journal=journal,
                finished=lambda i, fold, result: progress.finished(first + i, fold, result),
                scorer=check_scoring(estimator, scoring),
                fit_params=dict(fit_params or {}),
                score_params={},
                error_score=np.nan,
                return_train_score=False,
                verbose=0,
            )
            results.extend(out)
            scores = np.reshape([result["test_scores"] for result in out], (len(new), -1))
            return scores.mean(axis=1).tolist()

        if found := study.finished()[:n_candidates]:
            score(found)
        while len(candidates) < n_candidates:
            proposed = study.propose(min(at_a_time, n_candidates - len(candidates)))
            if not proposed:
                break
            means = score([candidate for _, candidate in proposed])
            for (number, candidate), mean in zip(proposed, means, strict=True):
                study.tell(number, mean, candidate)
    name_candidates(results, candidates, len(folds), describe)
    _warn_or_raise_about_fit_failures(results, np.nan)
    table = FERGridSearchCV(estimator, {})._format_results(candidates, len(folds), results)
    check_any_score(table["mean_test_score"])
    best = int(table["rank_test_score"].argmin())
    return Bunch(
        cv_results_=table,
        best_index_=best,
        best_params_=candidates[best],
        best_score_=table["mean_test_score"][best],
    )


def each_value(grid: Mapping[str, Sequence[Any] | Range]) -> Iterator[dict[str, Any]]:
    """Yield candidates in which each value of each parameter, or each end of a range, occurs."""
    values = {
        name: [each.low, each.high] if isinstance(each, Range) else list(each)
        for name, each in grid.items()
    }
    first = {name: each[0] for name, each in values.items()}
    yield first
    for name, each in values.items():
        for value in each[1:]:
            yield {**first, name: value}


def _described(grid: Mapping[str, Sequence[Any] | Range]) -> str:
    return describe_candidate({name: grid[name] for name in sorted(grid)})
