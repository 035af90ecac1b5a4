"""What the parameters that the loaders share accept."""

import os
from pathlib import Path
from typing import Any

from sklearn.utils._param_validation import StrOptions

from sk_fer.datasets._names import SUBSETS

PATH: list[Any] = [str, os.PathLike]

OUTPUT: dict[str, list[Any]] = {"return_X_y": ["boolean"], "as_frame": ["boolean"]}

SUBSET: dict[str, list[Any]] = {"subset": [StrOptions({*SUBSETS, "all"})]}

ON_ERROR: dict[str, list[Any]] = {"on_error": [StrOptions({"raise", "skip"})]}

CACHE: dict[str, list[Any]] = {"cache": ["boolean"], "data_home": [*PATH, None]}


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file or folder that exists."""
    if not os.fspath(path):
        raise ValueError(f"got {path!r}, wanted the path of a file or folder")
    found = Path(path).expanduser()
    if not found.exists():
        raise FileNotFoundError(f"{found}: no such file or folder")
    return found
