"""Errors of model files and exports."""

import reprlib
from typing import Any


class ModelFormatError(ValueError):
    """Error for a file that is not a model file, or is damaged, changed or of another version.

    The message says what is wrong with the file.

    See Also
    --------
    load_model : Read a model file.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> from sk_fer.persistence import ModelFormatError, load_model
    >>> with NamedTemporaryFile(suffix=".skfer") as file:
    ...     try:
    ...         load_model(file.name)
    ...     except ModelFormatError:
    ...         print("not a model file")
    not a model file
    """


def require(condition: object, message: str) -> None:
    """Raise ModelFormatError unless the condition is true."""
    if not condition:
        raise ModelFormatError(message)


def shown(value: object) -> str:
    """Return the beginning of the repr of a value."""
    return f"{reprlib.repr(value):.100}"


def refuse_search(model: Any) -> None:
    """Raise TypeError for a fitted search, of which only the best estimator can be written."""
    if hasattr(model, "best_estimator_"):
        raise TypeError(
            f"got a {type(model).__name__}; expected a fitted estimator: pass its best_estimator_"
        )
