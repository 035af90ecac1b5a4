"""Converts class labels to JSON, and back."""

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
    """Return class labels as JSON types.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The sorted labels.

    Raises
    ------
    TypeError
        If the labels are neither strings nor numbers.

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
            f"classes_ of dtype {classes.dtype} is {shown(values)}; a model file can contain "
            "labels that are strings, numbers or booleans"
        )
    return {"dtype": dtype, "values": values}


def restore_labels(node: Any, where: str) -> NDArray[Any]:
    """Return the labels that :func:`describe_labels` wrote.

    Parameters
    ----------
    node : object
        The labels in the file.
    where : str
        Their name, for error messages.

    Raises
    ------
    ModelFormatError
        If they are not two or more sorted, unique labels.

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
        f"{where}: {shown(values)} are not labels of dtype {shown(dtype)}",
    )
    if kind is str:
        longest = max(map(len, values), default=0)
        require(
            longest * len(values) <= _MAX_CHARACTERS,
            f"{where}: the labels are too long or too many",
        )
    try:
        with np.errstate(over="ignore"):
            classes = np.array(values, dtype=dtype)
    except (OverflowError, ValueError) as error:
        raise ModelFormatError(f"{where}: {error}") from error
    finite = kind is not float or np.isfinite(classes).all()
    require(
        len(classes) >= 2 and finite and np.array_equal(np.unique(classes), classes),
        f"{where} is {shown(values)}; expected two or more sorted, unique labels",
    )
    return classes
