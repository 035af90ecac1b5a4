"""A fit of a candidate on a fold, which pauses after some epochs and continues in the next rung."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from traceback import format_exc
from typing import Any, NamedTuple

from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection._validation import _score
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_method_params

from sk_fer.model_selection._check_candidates import describe_candidate
from sk_fer.model_selection._cluster import received
from sk_fer.model_selection._fit_and_score import _for_fold, with_share
from sk_fer.model_selection._folds import Fold


class FitSettings(NamedTuple):
    """What all fits of a search have in common."""

    scorer: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    return_train_score: bool
    error_score: Any
    cool_down: float
    n_threads: int | None
    caller: Any


def train_and_score(
    estimator: Any,
    X: Any,
    y: Any,
    rows: tuple[NDArray, NDArray],
    folder: Path | None,
    *,
    params: Mapping[str, Any],
    n_epochs: int,
    state: bytes | None,
    settings: FitSettings,
    context: Any,
) -> dict[str, Any]:
    """Train a candidate until an epoch, from where it paused, and score it.

    Parameters
    ----------
    estimator : classifier of sk_fer, or Pipeline
        The estimator of the search.
    X, y : array-like
        All images and labels.
    rows : tuple of (ndarray, ndarray)
        The rows to train and to test on.
    folder : Path or None
        A folder for the results of preprocessing steps on this fold, which several fits share.
    params : mapping of str to object
        The parameters of the candidate.
    n_epochs : int
        The number of epochs that are trained in all.
    state : bytes or None
        The state of the training that is continued.
    settings : FitSettings
        The settings that all fits have in common.
    context : sklearn.callback.CallbackContext
        The context of this fit.

    Returns
    -------
    dict
        The scores and times as scikit-learn's searches collect them, and the `state` that the
        next rung continues, None if the fit failed.
    """
    model = clone(estimator).set_params(**clone(dict(params), safe=False))
    last = model[-1] if isinstance(model, Pipeline) else model
    fit = partial(
        _train_and_score, model, last, received(X), y, rows, folder, n_epochs, state, settings
    )
    try:
        ((_, result),) = with_share(last.device, settings.n_threads, lambda: [(0, fit(context))])
    except Exception as error:
        error.add_note(f"in the candidate {describe_candidate(params)}")
        raise
    return result


def _train_and_score(
    estimator: Any,
    last: Any,
    X: Any,
    y: Any,
    rows: tuple[NDArray, NDArray],
    folder: Path | None,
    n_epochs: int,
    state: bytes | None,
    settings: FitSettings,
    context: Any,
) -> dict[str, Any]:
    train, test = rows
    fit_params = _check_method_params(X, params=settings.fit_params, indices=train)
    weight = fit_params.get("sample_weight")
    score_params = [_check_method_params(X, params=settings.score_params, indices=i) for i in rows]
    fold = Fold(X, y, train, test, folder)
    scorer = _for_fold(settings.scorer)
    result: dict[str, Any] = {"fit_error": None, "state": None, "score_time": 0.0}
    begin = time.perf_counter()
    with fold.sharing(estimator) as (X_train, X_test):
        data = {
            "X": X_train,
            "y": fold.y_train,
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        try:
            with (
                context.propagate_callback_context(estimator),
                last._paused_after(n_epochs, state, cool_down=settings.cool_down) as pause,
            ):
                context.call_on_fit_task_begin(estimator=settings.caller, **data)
                estimator.fit(X_train, fold.y_train, **fit_params)
        except Exception:
            if settings.error_score == "raise":
                raise
            result["fit_error"] = format_exc()
            result["fit_time"] = time.perf_counter() - begin
            result["test_scores"] = _scores_of_failure(settings)
            if settings.return_train_score:
                result["train_scores"] = _scores_of_failure(settings)
        else:
            result["state"] = pause.state
            result["fit_time"] = time.perf_counter() - begin
            result["test_scores"] = _score(
                estimator,
                X_test,
                fold.y_test,
                scorer,
                score_params[1],
                settings.error_score,
            )
            result["score_time"] = time.perf_counter() - begin - result["fit_time"]
            if settings.return_train_score:
                result["train_scores"] = _score(
                    estimator,
                    X_train,
                    fold.y_train,
                    scorer,
                    score_params[0],
                    settings.error_score,
                )
        finally:
            context.call_on_fit_task_end(estimator=settings.caller, **data)
    return result


def _scores_of_failure(settings: FitSettings) -> Any:
    names = getattr(settings.scorer, "_scorers", None)  # several scores
    return settings.error_score if names is None else dict.fromkeys(names, settings.error_score)
