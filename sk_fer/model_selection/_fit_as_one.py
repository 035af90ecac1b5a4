"""The fits of candidates whose networks are trained as one computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from sk_fer._utils._image_rows import ImageRows
from sk_fer.estimators._batched_fit import can_fit_together, fit_together
from sk_fer.model_selection._folds import Fold, replace_next_call

_PARAMS = ("sample_weight", "groups")


def can_fit_as_one(models: Sequence[Any], fit_params: Mapping[str, Any]) -> bool:
    """Return whether it helps to train candidates as one computation.

    Parameters
    ----------
    models : sequence of estimators
        The candidates, with their parameters. Their steps but the last are equal.
    fit_params : mapping of str to object
        The parameters of their ``fit``.

    Returns
    -------
    bool
        Whether :func:`fit_as_one` can be called.
    """
    first = models[0]
    if isinstance(first, Pipeline):
        # Metadata routing and a memory are left to the Pipeline.
        is_plain = first.memory is None and not first.transform_input and not first.verbose
        if not is_plain or (fit_params and get_config()["enable_metadata_routing"]):
            return False
    names = _names_for_last_step(first)
    return set(fit_params) <= set(names) and can_fit_together([last_step(m) for m in models])[0]


def fit_as_one(
    models: Sequence[Any],
    fold: Fold,
    X: Any,
    y: Any,
    fit_params: Mapping[str, Any],
    stack: ExitStack,
) -> None:
    """Fit candidates on a fold. Their ``fit`` then does nothing, or raises the error of the fit.

    Parameters
    ----------
    models : sequence of estimators
        The candidates, for which :func:`can_fit_as_one` is true. If their steps before the last
        or all of them together cannot be fitted, for example for lack of memory, their ``fit`` is
        left as it is.
    fold : Fold
        The fold.
    X, y : array-like
        All images and labels.
    fit_params : mapping of str to object
        The parameters of their ``fit``, for all images.
    stack : ExitStack
        Pipelines share the steps of the fold until it ends.
    """
    images: Any = fold.images_for(models[0])[0]
    for model in models:
        if isinstance(model, Pipeline):
            stack.enter_context(fold.sharing(model))
            try:
                images = fold.fit_steps(model)
            except Exception:  # raised again when the candidate is fitted alone
                return
    names = _names_for_last_step(models[0])
    params = {names[name]: value for name, value in fit_params.items()}
    if isinstance(images, ImageRows):
        data, rows = (images.images, y), [images.rows] * len(models)
    else:
        data, rows = (images, fold.y_train), None
        params = {name: _safe_indexing(value, fold.train) for name, value in params.items()}
    try:
        fitted = fit_together([last_step(model) for model in models], *data, rows, **params)
    except Exception:  # it may not occur in a fit alone, and is the error of one candidate there
        return
    for model, result in zip(models, fitted, strict=True):
        error = result if isinstance(result, Exception) else None
        replace_next_call(model, "fit", partial(_finish, model, error))


def _finish(model: Any, error: Exception | None, X: Any, y: Any = None, **params: Any) -> Any:
    """Return a candidate that was fitted before, or raise the error of its fit."""
    if error is not None:
        raise error
    return model


def last_step(model: Any) -> Any:
    """Return the last step of a Pipeline, or any other estimator itself."""
    return model[-1] if isinstance(model, Pipeline) else model


def _names_for_last_step(model: Any) -> dict[str, str]:
    """Return the parameters of ``fit`` that reach the last step, by their name in the call."""
    prefix = f"{model.steps[-1][0]}__" if isinstance(model, Pipeline) else ""
    return {f"{prefix}{name}": name for name in _PARAMS}
