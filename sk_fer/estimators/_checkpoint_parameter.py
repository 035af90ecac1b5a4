"""The parameter ``checkpoint``: a folder, or a dict with the folder and other settings."""

from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.utils._param_validation import validate_parameter_constraints

from sk_fer._utils._constraints import Interval


class CheckpointSettings(NamedTuple):
    """The settings of the checkpoints of a fit, with their defaults."""

    folder: Path
    minutes: float = 0.0
    keep: int = 2
    resume: bool = True


_CONSTRAINTS: dict[str, list[Any]] = {
    "folder": [str, PathLike],
    "minutes": [Interval(Real, 0, None, closed="left")],
    "keep": [Interval(Integral, 1, None, closed="left")],
    "resume": ["boolean"],
}


def resolve_checkpoint(
    checkpoint: str | PathLike[str] | Mapping[str, Any] | None,
) -> CheckpointSettings | None:
    """Resolve the `checkpoint` parameter to settings.

    Parameters
    ----------
    checkpoint : str, path-like, mapping or None
        The parameter.

    Returns
    -------
    CheckpointSettings or None
        The settings, or None without checkpoints.

    Raises
    ------
    ValueError
        If the mapping has no folder, or has an unknown key.
    sklearn.utils._param_validation.InvalidParameterError
        If a value of the mapping is not valid.

    Examples
    --------
    >>> resolve_checkpoint({"folder": "run-1", "keep": 1})._asdict()
    {'folder': PosixPath('run-1'), 'minutes': 0.0, 'keep': 1, 'resume': True}
    """
    if checkpoint is None:
        return None
    if not isinstance(checkpoint, Mapping):
        return CheckpointSettings(Path(checkpoint))
    for name in checkpoint:
        if name not in _CONSTRAINTS:
            raise ValueError(
                f"checkpoint has the unknown key {name!r}; expected some of {list(_CONSTRAINTS)}"
            )
    if "folder" not in checkpoint:
        raise ValueError(f"checkpoint={dict(checkpoint)!r} has no key 'folder', which is required")
    validate_parameter_constraints(_CONSTRAINTS, dict(checkpoint), caller_name="checkpoint")
    return CheckpointSettings(**{**checkpoint, "folder": Path(checkpoint["folder"])})
