"""A fit and a score of a search, in the process that computes them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import clone
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._validation import _fit_and_score
from sklearn.utils import get_tags

from sk_fer._utils._image_rows import ImageRows
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.model_selection._check_candidates import describe_candidate
from sk_fer.model_selection._cluster import received
from sk_fer.model_selection._fit_as_one import fit_as_one, last_step
from sk_fer.model_selection._folds import Fold, ordinary, replace_next_call

_lock = Lock()
_folds: dict[tuple[str, int], Fold] = {}


class Place(NamedTuple):
    """The place of a fit in a search, by which the processes find what they share."""

    search: str
    fold: int
    folder: Path | None
    n_threads: int | None


def fit_and_score(
    numbers: Sequence[int], place: Place, estimator: Any, *args: Any, **settings: Any
) -> list[tuple[int, dict[str, Any]]]:
    """Call :func:`fits_and_scores` with the share of cores and GPU that one of several fits has."""
    fits = partial(fits_and_scores, numbers, place, estimator, *args, **settings)
    if place.n_threads is None:
        return fits()
    params = clone(settings["parameters"][0], safe=False)
    last = last_step(clone(estimator).set_params(**params))
    if not isinstance(last, BaseFERClassifier):
        return fits()
    from sk_fer.training import at_most_threads, fit_in_turn

    with at_most_threads(place.n_threads):
        return fit_in_turn(last.device, fits, _ran_out)


def _ran_out(results: list[tuple[Any, dict[str, Any]]]) -> bool:
    return any("OutOfMemoryError" in (result["fit_error"] or "") for _, result in results)


def fits_and_scores(
    numbers: Sequence[int],
    place: Place,
    estimator: Any,
    X: Any,
    y: Any,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    *,
    parameters: Sequence[dict[str, Any]],
    contexts: Sequence[Any],
    candidate_progress: Sequence[tuple[int, int]],
    scorer: Any,
    parts: Sequence[Mapping[str, Any]] | None = None,
    **settings: Any,
) -> list[tuple[int, dict[str, Any]]]:
    """Fit candidates on a fold and score them, as scikit-learn's searches do.

    Several candidates are trained as one computation.

    Parameters
    ----------
    numbers : sequence of int
        The number of each fit, which is returned.
    place : Place
        The place of the fits in the search.
    estimator : estimator
        A clone of the estimator of the search.
    X, y : array-like
        All images and labels.
    train, test : ndarray of int
        The rows of the fold.
    parameters, contexts, candidate_progress : sequence
        For each candidate, the parameters, the context of callbacks and the progress.
    scorer : callable
        The scorer or scorers.
    parts : sequence of mapping, default=None
        For each candidate, the part of the training, as arguments of ``_paused_after`` of the
        classifier. If None, the candidates are trained for all epochs.
    **settings
        Other arguments of scikit-learn's ``_fit_and_score``.

    Returns
    -------
    list of (int, dict)
        The number and the result of each fit, as scikit-learn's ``_fit_and_score`` returns it. With
        `parts`, it has the `state` that continues the training, None if the fit failed.
    """
    settings = {"return_n_test_samples": True, "return_times": True, **settings}
    X, fold, seconds = received(X), None, 0.0
    results: list[tuple[int, dict[str, Any]]] = []
    models = [clone(estimator) for _ in numbers]
    for model, params in zip(models, parameters, strict=True):
        # A fold must know them before scikit-learn sets them again, which would replace
        # steps that are fitted by then.
        model.set_params(**clone(params, safe=False))
        replace_next_call(model, "set_params", partial(_unchanged, model))
    with ExitStack() as stack:
        pauses = [
            stack.enter_context(last_step(model)._paused_after(**part))
            for model, part in zip(models, parts or (), strict=False)
        ]
        # Kernels need other columns in each fold, and arrays on devices other functions.
        if not (get_tags(estimator).input_tags.pairwise or get_config()["array_api_dispatch"]):
            fold, scorer = _fold(place, X, y, train, test), _for_fold(scorer)
            train, test = fold.train, fold.test
            if len(models) > 1:
                start = time.time()
                fit_as_one(models, fold, X, y, settings["fit_params"], stack)
                seconds = (time.time() - start) / len(models)
        for number, model, params, context, progress in zip(
            numbers, models, parameters, contexts, candidate_progress, strict=True
        ):
            try:
                with _images_of(model, fold, X) as images:
                    result = _fit_and_score(
                        model,
                        images,
                        y,
                        scorer=scorer,
                        train=train,
                        test=test,
                        parameters=params,
                        callback_ctx=context,
                        candidate_progress=progress,
                        **settings,
                    )
            except Exception as error:
                named = describe_candidate(params)
                error.add_note(f"in the candidate {named}, fold {place.fold + 1}")
                raise
            result["fit_time"] += seconds
            if pauses:
                failed = result["fit_error"] is not None
                result["state"] = None if failed else pauses[len(results)].state
            results.append((number, result))
    return results


def _unchanged(model: Any, **params: Any) -> Any:
    return model


@contextmanager
def _images_of(model: Any, fold: Fold | None, X: Any) -> Iterator[Any]:
    """Yield what stands for X while a candidate is fitted and scored."""
    if fold is None:
        yield X
        return
    with fold.sharing(model) as images:
        yield _FoldImages(X, fold, *images)


def forget_folds() -> None:
    """Release the images of the fold that this process has used last."""
    with _lock:
        _folds.clear()


def _fold(place: Place, X: Any, y: Any, train: NDArray, test: NDArray) -> Fold:
    """Return the fold of the last fit if it is the same, or a new one."""
    key = place.search, place.fold
    with _lock:
        if key not in _folds:
            _folds.clear()
            _folds[key] = Fold(X, y, train, test, place.folder)
        return _folds[key]


class _FoldImages:
    """A stand-in for X, whose training and test rows are those that a fold has already."""

    def __init__(self, X: Any, fold: Fold, X_train: Any, X_test: Any) -> None:
        self.shape = X.shape if hasattr(X, "shape") else (len(X),)
        self._fold = fold
        self._parts = X_train, X_test

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        return self._parts[0 if key[0] is self._fold.train else 1]


def _for_fold(scorer: Any) -> Any:
    """Return a scorer that gives functions an ordinary estimator and an array."""
    if isinstance(scorer, _MultimetricScorer):
        scorers = {name: _for_fold(each) for name, each in scorer._scorers.items()}
        return _MultimetricScorer(scorers=scorers, raise_exc=scorer._raise_exc)
    if isinstance(scorer, (_BaseScorer, _PassthroughScorer)):
        return scorer

    def scored(estimator: Any, X: Any, *args: Any, **params: Any) -> Any:
        X = np.asarray(X) if isinstance(X, ImageRows) else X
        return scorer(ordinary(estimator), X, *args, **params)

    return scored
