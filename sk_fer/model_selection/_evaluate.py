"""The fits and scores of all candidates of a search on all folds."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from sklearn.base import clone
from sklearn.callback import AutoPropagatedCallback
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from sk_fer.model_selection._check_candidates import describe_candidate
from sk_fer.model_selection._cluster import sendable, shared_with_workers
from sk_fer.model_selection._fit_and_score import Place, fit_and_score, forget_folds
from sk_fer.model_selection._fit_as_one import can_fit_as_one
from sk_fer.model_selection._halving_states import Rung
from sk_fer.model_selection._journal import Journal

Result = dict[str, Any]


def evaluate(
    estimator: Any,
    candidates: Sequence[dict[str, Any]],
    X: Any,
    y: Any,
    folds: Sequence[tuple[Any, Any]],
    *,
    n_jobs: int | None = None,
    pre_dispatch: int | str = "2*n_jobs",
    journal: Journal | None = None,
    finished: Callable[[int, int, Result], None] | None = None,
    contexts: Sequence[Any] | None = None,
    caller: Any = None,
    batched: bool = True,
    folder: Path | None = None,
    rung: Rung | None = None,
    **settings: Any,
) -> list[Result]:
    """Fit and score all candidates on all folds.

    The fits of one fold come one after the other, so that they share its preprocessing. With
    several processes, or a `folder`, the results of preprocessing are in files that all of them
    map.

    Parameters
    ----------
    estimator : estimator
        The estimator, of which each fit has a clone.
    candidates : sequence of dict
        The parameters of each candidate.
    X, y : array-like
        The images and labels.
    folds : sequence of (ndarray, ndarray)
        The rows to train and to test on.
    n_jobs, pre_dispatch
        As in :class:`joblib.Parallel`.
    journal : Journal, default=None
        The journal of the fits that are not repeated. Each new result is added to it.
    finished : callable, default=None
        A function of the number of the candidate, the number of the fold, and the result. It is
        called in this process after each fit, and for each fit in the journal.
    contexts : sequence of CallbackContext, default=None
        The context of scikit-learn's callbacks for each fit, in the order of the results.
    caller : estimator, default=None
        The search, for these callbacks.
    batched : bool, default=True
        Whether dense networks that can be trained as one computation are.
    folder : Path, default=None
        A folder for the results of preprocessing, which other calls share. If None, they are
        removed.
    rung : Rung, default=None
        The part of the trainings, and their states. If None, they are whole.
    **settings
        Other arguments of scikit-learn's ``_fit_and_score``: `scorer`, `fit_params`,
        `score_params`, `error_score`, `return_train_score` and `verbose`.

    Returns
    -------
    list of dict
        The results in the order of scikit-learn's searches: all folds of the first candidate, all
        folds of the second one, and so on.
    """
    n_folds = len(folds)
    rows = [(np.asarray(train), np.asarray(test)) for train, test in folds]
    results: list[Any] = [None] * (len(candidates) * n_folds)
    n_epochs = {} if rung is None else {"n_epochs": rung.n_epochs}
    order = _by_fold(estimator, candidates, n_folds)
    pending = set()

    def keep(fit: int, result: Result) -> None:
        results[fit] = result
        if finished is not None:
            finished(*divmod(fit, n_folds), result)

    for fit in order:
        candidate, fold = divmod(fit, n_folds)
        found = None if journal is None else journal.find(candidates[candidate], fold, **n_epochs)
        if found is None:
            pending.add(fit)
            continue
        if contexts is not None:
            contexts[fit].call_on_fit_task_begin(estimator=caller, X=X, y=y)
            contexts[fit].call_on_fit_task_end(estimator=caller, X=X, y=y)
        keep(fit, found)
    if not pending:
        return results

    parallel = Parallel(n_jobs=n_jobs, pre_dispatch=pre_dispatch, return_as=_return_as())
    n_workers = parallel._backend.effective_n_jobs(parallel.n_jobs)
    search, n_threads = uuid.uuid4().hex, threads_of_a_fit(parallel._backend, n_workers)
    processes = type(parallel._backend).__name__ in ("LokyBackend", "MultiprocessingBackend")
    in_files = n_workers > 1 and processes and isinstance(estimator, Pipeline)
    left = Counter(fit % n_folds for fit in pending)
    groups = [[fit] for fit in order]
    if contexts is not None and _reach_epochs(contexts[0], estimator):
        batched = False
    if batched:  # in the groups of a search that was not stopped, for equal roundings of sums
        fit_params = settings["fit_params"]
        groups = _groups(estimator, candidates, order, n_folds, n_workers, fit_params)
    groups = [[fit for fit in group if fit in pending] for group in groups]
    images = sendable(X)
    of_fits = [each for each in (settings["fit_params"], settings["score_params"]) if each]
    with (
        temporary_folder() if in_files and folder is None else nullcontext() as root,
        shared_with_workers(images, y, *chain.from_iterable(rows), *of_fits),
    ):

        def folder_of(fold: int) -> Path | None:
            parent = folder or root
            return None if parent is None else Path(parent, str(fold))

        def tasks() -> Iterator[Any]:
            for fits in filter(None, groups):
                fold = fits[0] % n_folds
                places = [fit // n_folds for fit in fits]
                yield delayed(fit_and_score)(
                    fits,
                    Place(search, fold, folder_of(fold), n_threads),
                    clone(estimator),
                    images,
                    y,
                    *rows[fold],
                    parameters=[candidates[i] for i in places],
                    contexts=[None if contexts is None else contexts[fit] for fit in fits],
                    split_progress=(fold, n_folds),
                    candidate_progress=[(i, len(candidates)) for i in places],
                    caller=caller,
                    parts=None if rung is None else [rung.part(i, fold) for i in places],
                    **settings,
                )

        try:
            for group in parallel(tasks()):
                fits = [(*divmod(fit, n_folds), result) for fit, result in group]
                for candidate, fold, result in fits:
                    if rung is not None:
                        rung.keep(candidate, fold, result.pop("state"))
                if journal is not None:
                    new = [(candidates[i], fold, result) for i, fold, result in fits]
                    journal.add(new, error_score=settings["error_score"], **n_epochs)
                for fit, result in group:
                    keep(fit, result)
                    left[fit % n_folds] -= 1
                    if not left[fit % n_folds] and root is not None:
                        shutil.rmtree(Path(root, str(fit % n_folds)), ignore_errors=True)
        finally:
            forget_folds()
    return results


def _reach_epochs(context: Any, estimator: Any) -> bool:
    """Return whether scikit-learn's callbacks of a search are also called in each epoch."""
    return hasattr(estimator, "set_callbacks") and any(
        isinstance(callback, AutoPropagatedCallback)
        and (
            callback.max_propagation_depth is None
            or context._propagation_depth < callback.max_propagation_depth
        )
        for callback in context._callbacks
    )


def _return_as() -> str:
    """Return "generator_unordered" if the backend of joblib knows it."""
    backend, _ = get_active_backend()
    known = getattr(backend, "supports_return_generator", False)
    return "generator_unordered" if known else "list"


def temporary_folder() -> AbstractContextManager[str]:
    """Return a context whose folder is removed at its end."""
    return TemporaryDirectory(prefix="sk_fer_search_", ignore_cleanup_errors=True)


def _by_fold(estimator: Any, candidates: Sequence[dict[str, Any]], n_folds: int) -> list[int]:
    """Return the numbers of all fits, with those that share preprocessing one after the other."""
    first: dict[str, int] = {}
    order = []
    for candidate, params in enumerate(candidates):
        order.append(
            (first.setdefault(_steps_before_last(estimator, params), candidate), candidate)
        )
    order.sort()
    return [candidate * n_folds + fold for fold in range(n_folds) for _, candidate in order]


def _steps_before_last(estimator: Any, params: dict[str, Any]) -> str:
    """Return the parameters of a candidate that are not those of its last step, as text."""
    if not isinstance(estimator, Pipeline):
        return ""
    last = estimator.steps[-1][0]
    return describe_candidate({k: v for k, v in params.items() if k.split("__")[0] != last})


def _groups(
    estimator: Any,
    candidates: Sequence[dict[str, Any]],
    fits: Sequence[int],
    n_folds: int,
    n_workers: int,
    fit_params: dict[str, Any],
) -> list[list[int]]:
    """Group the fits that are trained as one computation, with a group for each worker at least."""

    def key(fit: int) -> tuple[int, str]:
        return fit % n_folds, _steps_before_last(estimator, candidates[fit // n_folds])

    together = [list(group) for _, group in groupby(fits, key)]
    n_parts = -(-n_workers // len(together))
    groups: list[list[int]] = []
    for group in together:
        models = [
            clone(estimator).set_params(**clone(candidates[fit // n_folds], safe=False))
            for fit in group
        ]
        if len(group) > 1 and can_fit_as_one(models, fit_params):
            parts = np.array_split(group, min(n_parts, len(group)))
            groups += [part.tolist() for part in parts]
        else:
            groups += [[fit] for fit in group]
    return groups


def threads_of_a_fit(backend: Any, n_workers: int) -> int | None:
    """Return the number of threads that each of several fits on this machine can use."""
    if n_workers == 1 or type(backend).__name__ not in ("LokyBackend", "ThreadingBackend"):
        return None
    return backend.inner_max_num_threads or max(1, joblib.cpu_count() // n_workers)


def name_candidates(
    results: Iterable[Result],
    candidates: list[dict[str, Any]],
    n_folds: int,
    describe: Callable[[Mapping[str, Any]], str] = describe_candidate,
) -> None:
    """Add the candidates that an error ended to its text, once for all fits with this error."""
    failed: dict[str, dict[int, list[int]]] = {}
    results = list(results)
    for number, result in enumerate(results):
        if result["fit_error"] is not None:
            candidate, fold = divmod(number, n_folds)
            failed.setdefault(result["fit_error"], {}).setdefault(candidate, []).append(fold + 1)
    texts = {}
    for error, folds_of in failed.items():
        named = [
            f"{describe(candidates[candidate]) or 'defaults'} (fold {', '.join(map(str, folds))})"
            for candidate, folds in folds_of.items()
        ]
        texts[error] = f"{error}in the candidates {'; '.join(named)}\n"
    for result in results:
        if result["fit_error"] is not None:
            result["fit_error"] = texts[result["fit_error"]]
