"""Class labels as JSON, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_fer.persistence._errors import ModelFormatError, require, shown
from sk_fer.persistence._plain import Fields

_KINDS: dict[str, type] = {
    "str": str,
    "object": str,
    "bool": bool,
    **{f"{sign}int{bits}": int for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": float for bits in (16, 32, 64)},
}
_MAX_CHARACTERS = 1 << 20


def describe_labels(classes: NDArray[Any]) -> dict[str, Any]:
    """Return labels as JSON can hold them.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.

    Raises
    ------
    TypeError
        If they are no text and no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> describe_labels(np.array(["happy", "sad"]))
    {'dtype': 'str', 'values': ['happy', 'sad']}
    """
    dtype = "str" if classes.dtype.kind == "U" else classes.dtype.name
    values = classes.tolist()
    if not all(type(value) is _KINDS.get(dtype) for value in values):
        raise TypeError(
            f"classes_ of dtype {classes.dtype}, {shown(values)}; a model file holds text, "
            "numbers and booleans"
        )
    return {"dtype": dtype, "values": values}


def restore_labels(node: Any, where: str) -> NDArray[Any]:
    """Return the labels that :func:`describe_labels` wrote.

    Parameters
    ----------
    node : object
        Of the file.
    where : str
        What it is, for messages.

    Raises
    ------
    ModelFormatError
        If it is anything else than two or more labels, sorted.

    Examples
    --------
    >>> restore_labels({"dtype": "int64", "values": [0, 3]}, "classes_")
    array([0, 3])
    """
    fields = Fields(node, where)
    dtype = fields.take("dtype", str)
    values = fields.take("values", list)
    fields.finish()
    kind = _KINDS.get(dtype)
    require(
        kind is not None and all(type(value) is kind for value in values),
        f"{where}: {shown(values)} are no labels of dtype {shown(dtype)}",
    )
    if kind is str:
        longest = max(map(len, values), default=0)
        require(longest * len(values) <= _MAX_CHARACTERS, f"{where}: labels too long or too many")
    try:
        with np.errstate(over="ignore"):
            classes = np.array(values, dtype=dtype)
    except (OverflowError, ValueError) as error:
        raise ModelFormatError(f"{where}: {error}") from error
    finite = kind is not float or np.isfinite(classes).all()
    require(
        len(classes) >= 2 and finite and np.array_equal(np.unique(classes), classes),
        f"{where} are not two or more labels, sorted, each once",
    )
    return classes
