"""The error of model files."""

import reprlib


class ModelFormatError(ValueError):
    """A file is no model file, or one that is damaged, altered or of another version."""


def require(condition: object, message: str) -> None:
    """Raise ModelFormatError unless the condition holds."""
    if not condition:
        raise ModelFormatError(message)


def shown(value: object) -> str:
    """Return the beginning of a value's repr, however large it is."""
    return f"{reprlib.repr(value):.100}"
