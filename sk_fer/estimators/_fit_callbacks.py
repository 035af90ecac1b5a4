"""The skorch callbacks of a fit, which follow from the parameters of an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sk_fer.estimators._callbacks_parameter import named_callbacks
from sk_fer.estimators._parameters import resolve_optimizer_settings

if TYPE_CHECKING:
    from sk_fer.training import FitTasks

NamedCallbacks = list[tuple[str, Any]]


def fit_callbacks(
    parameters: Mapping[str, Any],
    tasks: FitTasks | None,
    *,
    validated: bool,
    copies: bool,
) -> NamedCallbacks:
    """Return the callbacks of a fit, in the order in which they run.

    Parameters
    ----------
    parameters : mapping of str to object
        The parameters of the classifier.
    tasks : FitTasks or None
        The callback that calls scikit-learn's callbacks, or None in ``partial_fit``.
    validated : bool
        Whether there are validation images.
    copies : bool
        Whether the estimator is a clone. The callbacks of clones write to subfolders.

    Returns
    -------
    list of (name, skorch callback)
        The callbacks.

    Raises
    ------
    TypeError
        If an item of the parameter `callbacks` is not a callback.
    ValueError
        If a callback cannot work in this fit.
    """
    from skorch.callbacks import EarlyStopping

    from sk_fer.training import schedule_callbacks
    from sk_fer.training.callbacks import check_callbacks, give_own_folders

    schedule = parameters["lr_schedule"]
    of_user = [
        (name, callback() if isinstance(callback, type) else callback)
        for name, callback in named_callbacks(parameters["callbacks"])
        if callback is not None
    ]
    check_callbacks(of_user, validated=validated, lr_schedule=schedule, partial=tasks is None)
    if copies:
        give_own_folders(of_user)
    lr = resolve_optimizer_settings(parameters).lr
    callbacks: NamedCallbacks = [] if tasks is None else [("sk_fer_tasks", tasks)]
    callbacks += schedule_callbacks(schedule, lr, parameters["max_epochs"], validated=validated)
    callbacks += of_user
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
