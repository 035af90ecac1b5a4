"""Checks of skorch callbacks before a fit starts."""

import copy
import warnings
from typing import Any

from sklearn.metrics import get_scorer
from skorch.callbacks import (
    Checkpoint,
    EarlyStopping,
    InputShapeSetter,
    LRScheduler,
    PassthroughScoring,
    WandbLogger,
)
from skorch.callbacks.scoring import ScoringBase
from torch.optim.lr_scheduler import ReduceLROnPlateau

from sk_fer.training._history import ALIASES

MEASURES = ("loss", "loss_best", "accuracy", "accuracy_best", "batch_count")
PARTIAL_FIT = "partial_fit has no validation images; use fit, or watch a column of training"
FIT = "there are no validation images; set validation_fraction or pass X_val and y_val to fit"


def check_callbacks(
    callbacks: list[tuple[str, Any]],
    *,
    validated: bool,
    lr_schedule: str | None,
    partial: bool = False,
) -> None:
    """Check that the skorch callbacks can work in a fit.

    Parameters
    ----------
    callbacks : list of (name, skorch callback)
        The callbacks of the user.
    validated : bool
        Whether there are validation images.
    lr_schedule : str or None
        The parameter of that name; None in ``partial_fit``, which uses no schedule.
    partial : bool, default=False
        Whether this is ``partial_fit``.

    Raises
    ------
    ValueError
        If a callback contradicts another parameter, or watches a column that is not in the
        history.

    Warns
    -----
    UserWarning
        If a callback scores validation images and there are none. Its column is then missing.
    """
    missing_images = PARTIAL_FIT if partial else FIT
    columns = {"epoch", "dur", "lr"} | _measured("train")
    absent = set() if validated else _measured("valid")
    if validated:
        columns |= _measured("valid")
    recorded = {}
    for name, callback in callbacks:
        _check_kind(name, callback, lr_schedule)
        recorded[name], needs_validation = _recorded(callback)
        if needs_validation and not validated:
            absent |= recorded.pop(name)
            warnings.warn(
                f"the callback {name} scores validation images, and its column will be missing: "
                f"{missing_images}, or set on_train=True of the callback",
                stacklevel=6,
            )
    # Other callbacks may record columns of any name.
    all_known = all(type(callback).__module__.startswith("skorch.") for _, callback in callbacks)
    for name, callback in callbacks:
        column = _watched(callback)
        own = recorded.pop(name, set())
        if column is not None and column not in columns:
            later = next((other for other, names in recorded.items() if column in names), None)
            if later is not None:
                raise ValueError(
                    f"the callback {name} watches {column!r}, which the callback {later} records "
                    f"after it in each epoch; put {later} before {name}"
                )
            if column in absent:
                raise ValueError(f"the callback {name} watches {column!r}, but {missing_images}")
            if all_known:
                raise ValueError(
                    f"the callback {name} watches {column!r}, which is not a column of the "
                    f"history; the columns are {', '.join(sorted(columns))}. A scoring callback "
                    "adds a column with its name"
                )
        columns |= own


def _measured(part: str) -> set[str]:
    names = {f"{part}_{measure}" for measure in MEASURES}
    return names | {alias for alias, name in ALIASES.items() if name in names}


def _check_kind(name: str, callback: Any, lr_schedule: str | None) -> None:
    if isinstance(callback, InputShapeSetter):
        raise ValueError(
            f"the callback {name} sets the input size of the module, but fit takes it from X; "
            "remove the callback"
        )
    if isinstance(callback, LRScheduler) and lr_schedule is not None:
        raise ValueError(
            f"the callback {name} and lr_schedule={lr_schedule!r} both set the learning rate; "
            "set lr_schedule=None, or remove the callback"
        )


def _recorded(callback: Any) -> tuple[set[str], bool]:
    """Return the columns that a callback adds, and whether it needs validation images."""
    if isinstance(callback, (ScoringBase, PassthroughScoring)):
        name = callback.name
        if isinstance(callback, ScoringBase):
            if isinstance(callback.scoring, str):
                get_scorer(callback.scoring)  # an unknown name is an error before the training
            name = copy.copy(callback).initialize().name_
        best = set() if callback.lower_is_better is None else {f"{name}_best"}
        return {name, *best}, not callback.on_train
    event = getattr(callback, "event_name", None)
    return ({event} if isinstance(event, str) else set()), False


def _watched(callback: Any) -> str | None:
    """Return the column that a callback of skorch reads after each epoch."""
    if isinstance(callback, WandbLogger):
        return "valid_loss_best" if callback.save_model else None
    if isinstance(callback, LRScheduler):
        by_score = callback.policy in (ReduceLROnPlateau, "ReduceLROnPlateau")
        watches = by_score and callback.step_every == "epoch"
    else:
        watches = isinstance(callback, (Checkpoint, EarlyStopping))
    return callback.monitor if watches and isinstance(callback.monitor, str) else None
