"""The skorch callbacks of a fit, which follow from the parameters of an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sk_fer.estimators._callbacks_parameter import named_callbacks
from sk_fer.estimators._parameters import resolve_optimizer_settings

if TYPE_CHECKING:
    from sk_fer.training import FitTasks

NamedCallbacks = list[tuple[str, Any]]


def user_callbacks(
    callbacks: Any, lr_schedule: str | None, *, validated: bool, partial: bool, copies: bool
) -> NamedCallbacks:
    """Return the `callbacks` parameter as named instances that can work in this fit.

    Parameters
    ----------
    callbacks : list, tuple or None
        The parameter.
    lr_schedule : str or None
        The schedule of the learning rate in this fit.
    validated : bool
        Whether there are validation images.
    partial : bool
        Whether this is ``partial_fit``.
    copies : bool
        Whether the estimator is a clone. The callbacks of clones write to subfolders.

    Returns
    -------
    list of (name, skorch callback)
        The callbacks.

    Raises
    ------
    TypeError
        If one of them is not a callback.
    ValueError
        If one of them cannot work in this fit.
    """
    from sk_fer.training.callbacks import check_callbacks, give_own_folders

    named = [
        (name, callback() if isinstance(callback, type) else callback)
        for name, callback in named_callbacks(callbacks)
        if callback is not None
    ]
    check_callbacks(named, validated=validated, lr_schedule=lr_schedule, partial=partial)
    if copies:
        give_own_folders(named)
    return named


def fit_callbacks(
    parameters: Mapping[str, Any],
    tasks: FitTasks,
    *,
    validated: bool,
    copies: bool,
) -> NamedCallbacks:
    """Return the callbacks of a whole fit, in the order in which they run.

    Parameters
    ----------
    parameters : mapping of str to object
        The parameters of the classifier.
    tasks : FitTasks
        The callback that calls scikit-learn's callbacks.
    validated : bool
        Whether there are validation images.
    copies : bool
        Whether the estimator is a clone.

    Returns
    -------
    list of (name, skorch callback)
        The callbacks.
    """
    from skorch.callbacks import EarlyStopping

    from sk_fer.training import schedule_callbacks

    n_epochs = parameters["max_epochs"]
    schedule = parameters["lr_schedule"]
    lr = resolve_optimizer_settings(parameters).lr
    callbacks = [
        ("sk_fer_tasks", tasks),
        *schedule_callbacks(schedule, lr, n_epochs, validated=validated),
        *user_callbacks(
            parameters["callbacks"], schedule, validated=validated, partial=False, copies=copies
        ),
    ]
    if parameters["early_stopping"]:
        stopping = EarlyStopping(
            monitor="valid_loss",
            patience=parameters["n_iter_no_change"],
            threshold=parameters["tol"],
            threshold_mode="abs",
            load_best=True,
        )
        callbacks.append(("sk_fer_early_stopping", stopping))
    return callbacks
