"""A separate folder for each clone, for callbacks that write files."""

import os
import uuid
from typing import Any

from skorch.callbacks import Checkpoint, TrainEndCheckpoint


def give_own_folders(callbacks: list[tuple[str, Any]]) -> None:
    """Set a separate folder in `dirname` for each checkpoint callback of a clone.

    Searches and cross-validation fit several clones at the same time, which would otherwise write
    and load the same files.

    Parameters
    ----------
    callbacks : list of (name, skorch callback)
        The callbacks of a cloned estimator.

    Raises
    ------
    ValueError
        If a callback writes outside of `dirname`.
    """
    for name, callback in callbacks:
        if not isinstance(callback, (Checkpoint, TrainEndCheckpoint)):
            continue
        for parameter, target in vars(callback).items():
            if parameter.startswith("f_") and not parameter.endswith("_") and target is not None:
                _check_target(f"{parameter}={target!r} of the callback {name}", target)
        if getattr(callback, "shared_dirname_", None) is None:
            callback.shared_dirname_ = callback.dirname
            callback.dirname = os.path.join(callback.dirname, f"fit-{uuid.uuid4().hex[:12]}")


def _check_target(described: str, target: Any) -> None:
    if not isinstance(target, str):
        raise ValueError(
            f"{described} is not a file name. Searches and cross-validation fit several clones of "
            "the estimator at the same time, which must not share it; pass a file name, or fit "
            "the estimator itself"
        )
    if os.path.dirname(target):
        raise ValueError(
            f"{described} contains a folder. Searches and cross-validation fit several clones of "
            "the estimator at the same time, which would share it; set the folder in dirname, "
            "where each clone has its own folder"
        )
