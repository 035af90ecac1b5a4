"""What the parameters that the loaders share accept."""

import os
from pathlib import Path
from typing import Any

from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._layout import SIDE
from sk_fer.datasets._names import SUBSETS, canonical_subset

PATH: list[Any] = [str, os.PathLike]

OUTPUT: dict[str, list[Any]] = {"return_X_y": ["boolean"], "as_frame": ["boolean"]}


class _SplitName(StrOptions):
    """The name of a split under any of its names, or "all"."""

    def is_satisfied_by(self, val: Any) -> bool:
        """Whether a value is such a name."""
        return isinstance(val, str) and canonical_subset(val) is not None

    def __str__(self) -> str:
        return f"{super().__str__()} or another name of a split, such as 'PublicTest'"


SUBSET: dict[str, list[Any]] = {"subset": [_SplitName({*SUBSETS, "all"})]}

ON_ERROR: dict[str, list[Any]] = {"on_error": [StrOptions({"raise", "skip"})]}
HOW_TO_SKIP = 'on_error="skip" (of sk-fer: --skip-bad) leaves such rows and images out'

IMAGES: dict[str, list[Any]] = {
    "image_size": [tuple, list, SIDE, None],
    "color": ["boolean"],
    **OUTPUT,
    **ON_ERROR,
    "cache": ["boolean", StrOptions({"auto"})],
    "data_home": [*PATH, None],
}
"""The parameters of loaders of image files."""

CACHE: dict[str, list[Any]] = {"cache": ["boolean"], "data_home": [*PATH, None]}


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file or folder that exists."""
    if not os.fspath(path):
        raise ValueError(f"got {path!r}, expected the path of a file or folder")
    found = Path(path).expanduser()
    if not found.exists():
        raise FileNotFoundError(f"{found}: no such file or folder")
    if not (found.is_file() or found.is_dir()):
        raise ValueError(f"{found} is a device, socket or pipe; expected a file or folder")
    return found
