"""The fit of the best candidate of a search on all images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sklearn.base import clone


def refit_best(
    search: Any, fit_params: Mapping[str, Any], data: Mapping[str, Any], context: Any
) -> None:
    """Fit the best candidate on all images, and set the attributes of the search that follow.

    Parameters
    ----------
    search : BaseSearchCV
        The search, with its attribute ``best_params_``.
    fit_params : mapping of str to object
        The parameters of ``fit`` of the estimator.
    data : mapping of str to object
        `X` and `y`, and what else the tasks of scikit-learn's callbacks receive.
    context : sklearn.callback.CallbackContext
        The context of the search.
    """
    best = clone(search.estimator).set_params(**clone(search.best_params_, safe=False))
    search.best_estimator_ = best
    context = context.subcontext(task_name="refit-with-best-params")
    with context.propagate_callback_context(best):
        context.call_on_fit_task_begin(**data)
        start = time.perf_counter()
        labels = () if data["y"] is None else (data["y"],)
        best.fit(data["X"], *labels, **fit_params)
        search.refit_time_ = time.perf_counter() - start
    if hasattr(best, "feature_names_in_"):
        search.feature_names_in_ = best.feature_names_in_
    context.call_on_fit_task_end(**data)
