"""Checks of the parameters that the loaders share."""

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

from sk_fer.datasets._names import SUBSETS


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ValueError unless the parameter's value is one of the choices."""
    if not (isinstance(value, str) and value in choices):
        raise ValueError(f"got {name}={value!r}, wanted one of {', '.join(map(repr, choices))}")


def check_options(on_error: str, subset: str = "all") -> None:
    """Check the options that nearly all loaders have."""
    check_choice("on_error", on_error, ("raise", "skip"))
    check_choice("subset", subset, (*SUBSETS, "all"))


def check_image_size(image_size: tuple[int, int] | None) -> None:
    """Raise ValueError unless it is None, or a height and a width."""
    if image_size is None:
        return
    sides = tuple(image_size) if isinstance(image_size, Sequence) else ()
    if not (len(sides) == 2 and all(isinstance(side, Integral) and side > 0 for side in sides)):
        raise ValueError(f"got image_size={image_size!r}, wanted (height, width), each at least 1")


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file or folder that exists."""
    found = Path(path).expanduser()
    if not found.exists():
        raise FileNotFoundError(f"{found}: no such file or folder")
    return found
