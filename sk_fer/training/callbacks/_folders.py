"""A folder of each clone for the callbacks that write files."""

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
        Of an estimator that is a clone.

    Raises
    ------
    ValueError
        If a callback writes to a place that no folder keeps apart.
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
            f"{described} is no file name. A clone, as searches and cross-validation fit "
            "several at a time, must not share it with others; name a file, or set the callback "
            "on an estimator that is no clone"
        )
    if os.path.dirname(target):
        raise ValueError(
            f"{described} names a folder, which the clones that searches and cross-validation "
            "fit at the same time would share; move the folder into dirname, in which each "
            "clone gets a folder of its own"
        )
