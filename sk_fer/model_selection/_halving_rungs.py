"""The rungs of a search by halving, in each of which the candidates that are left train on."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from operator import mul
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)

from sk_fer._utils._counted import counted
from sk_fer.model_selection._cluster import cluster_client, sendable, shared_with_workers
from sk_fer.model_selection._evaluate import Result, evaluate, name_candidates, temporary_folder
from sk_fer.model_selection._halving_plan import epochs_between, planned_candidates
from sk_fer.model_selection._halving_states import Rung
from sk_fer.model_selection._journal import Journal
from sk_fer.model_selection._progress import SearchProgress
from sk_fer.model_selection._search_description import hash_of


def run_rungs(
    search: Any,
    candidates: list[dict[str, Any]],
    X: Any,
    y: Any,
    folds: Sequence[tuple[NDArray, NDArray]],
    scorers: Any,
    routed: Any,
    context: Any,
    journal: Journal | None,
) -> dict[str, NDArray]:
    """Train the candidates of a search from rung to rung, and set its attributes of the rungs.

    Parameters
    ----------
    search : FERHalvingSearchCV
        The search, with its attribute ``n_resources_``.
    candidates : list of dict
        The parameters of the candidates.
    X, y : array-like
        The images and labels.
    folds : sequence of (ndarray, ndarray)
        The rows to train and to test on.
    scorers : callable
        The scorer or scorers.
    routed : Bunch
        The parameters of ``fit`` and of the scorers.
    context : sklearn.callback.CallbackContext
        The context of the search.
    journal : Journal or None
        The journal. The states of the trainings are in its folder.

    Returns
    -------
    dict of str to ndarray
        ``cv_results_`` of the search.

    Raises
    ------
    ValueError
        If no candidate can continue.
    """
    n_rungs = search.n_iterations_ = len(search.n_resources_)
    context = context.subcontext(task_name="search", max_subtasks=n_rungs)
    context.call_on_fit_task_begin(estimator=search)
    steps = epochs_between(search.n_resources_)
    planned = planned_candidates(len(candidates), search.factor, n_rungs)
    left = list(range(len(candidates)))
    search.n_candidates_ = []
    rows: list[dict[str, Any]] = []
    out: list[Result] = []
    more: dict[str, list[int]] = {"iter": [], "n_resources": []}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(temporary_folder()))
        states, names = folder, [str(i) for i in left]
        if journal is not None:
            states, names = journal.folder / "states", [hash_of(params) for params in candidates]
            states.mkdir(exist_ok=True)
        stack.enter_context(shared_with_workers(sendable(X), y, *chain.from_iterable(folds)))
        progress = stack.enter_context(
            SearchProgress(
                search.verbose,
                n_fits=sum(planned) * len(folds),
                total=sum(map(mul, planned, steps)) * len(folds),
                score=search.refit if isinstance(search.refit, str) else None,
                describe=search._describe,
            )
        )
        for number, n_epochs in enumerate(search.n_resources_):
            n_fits = len(left) * len(folds)
            of_rung = context.subcontext(
                task_name="halving-iteration", max_subtasks=n_fits, sequential_subtasks=False
            ).call_on_fit_task_begin(estimator=search)
            of_left = [candidates[i] for i in left]
            title = counted(n_epochs, "epoch")
            progress.begin(of_left, len(folds), title=title, weight=steps[number])
            rung = Rung(
                states,
                [names[i] for i in left],
                n_epochs=n_epochs,
                n_epochs_before=n_epochs - steps[number],
                is_last=number == n_rungs - 1,
            )
            new = evaluate(
                clone(search.estimator),
                of_left,
                X,
                y,
                folds,
                n_jobs=search.n_jobs,
                pre_dispatch=search.pre_dispatch,
                journal=journal,
                finished=progress.finished,
                contexts=[
                    of_rung.subcontext(task_name="candidate-split-evaluation", task_id=fit)
                    for fit in range(n_fits)
                ],
                caller=search,
                batched=search.batched,
                # Another machine would not remove the folder.
                folder=None if cluster_client() is not None else folder,
                rung=rung,
                scorer=scorers,
                fit_params=routed.estimator.fit,
                score_params=routed.scorer.score,
                return_train_score=search.return_train_score,
                error_score=search.error_score,
                verbose=0,
            )
            name_candidates(new, of_left, len(folds), search._describe)
            _warn_or_raise_about_fit_failures(new, search.error_score)
            if callable(search.scoring):
                _insert_error_scores(new, search.error_score)
            rows += of_left
            out += new
            more["iter"] += [number] * len(left)
            more["n_resources"] += [n_epochs] * len(left)
            search.n_candidates_.append(len(left))
            if not rung.is_last:
                places = _best(search, new)
                rung.drop_others(places)
                left = [left[place] for place in places]
            of_rung.call_on_fit_task_end(estimator=search)
        shutil.rmtree(states, ignore_errors=True)
    search.n_remaining_candidates_ = len(left)
    search.multimetric_ = isinstance(out[0]["test_scores"], dict)
    context.call_on_fit_task_end(estimator=search)
    return search._format_results(rows, len(folds), out, more)


def _best(search: Any, results: list[Result]) -> list[int]:
    """Return the candidates of a rung that continue, in their order."""
    if isinstance(results[0]["test_scores"], dict):
        check_name_of_score(search, results[0]["test_scores"])
        values = [result["test_scores"][search.refit] for result in results]
    else:
        values = [result["test_scores"] for result in results]
    scores = np.reshape(values, (-1, search.n_splits_)).mean(axis=1)
    failed = np.reshape([r["fit_error"] is not None for r in results], (len(scores), -1))
    scores[failed.any(axis=1)] = np.nan
    n_left = min(math.ceil(len(scores) / search.factor), int((~np.isnan(scores)).sum()))
    if not n_left:
        raise ValueError(
            f"each of the {len(scores)} candidates failed or has the score NaN in one of the "
            f"{search.n_splits_} folds, so that none can continue; set error_score='raise' to "
            "see the first error"
        )
    order = np.argsort(-scores, kind="stable")  # NaN is the last
    return sorted(order[:n_left].tolist())


def check_name_of_score(search: Any, scores: Mapping[str, Any]) -> None:
    """Raise an error if `refit` does not name the score that decides, among several.

    Parameters
    ----------
    search : FERHalvingSearchCV
        The search.
    scores : mapping of str to object
        The scores, by name.

    Raises
    ------
    ValueError
        If `refit` is not one of the names.
    """
    if not isinstance(search.refit, str) or search.refit not in scores:
        raise ValueError(
            f"got refit={search.refit!r} with the scores {', '.join(scores)}; expected the name "
            "of the one that decides which candidates continue"
        )
