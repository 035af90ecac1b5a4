"""Parameters and other plain values as JSON, which is validated when it is read."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sk_fer.persistence._errors import ModelFormatError, require, shown

_SPECIAL_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_MAX_DIGITS = 20  # of 64-bit integers, with their sign
_MAX_DEPTH = 32
_MAX_PARTS = 10_000
_SCALARS = (type(None), bool, int, float, str)


def encode(value: Any) -> Any:
    """Convert a plain value to JSON types.

    Parameters
    ----------
    value : object
        None, a bool, an int, a float, a str, or a list, tuple or dict of such values.

    Raises
    ------
    TypeError
        If the value or a part of it has another type.

    Examples
    --------
    >>> encode({"flip": (0.5, float("inf"))})
    {'dict': [['flip', {'tuple': [0.5, {'float': 'inf'}]}]]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(float(value))}
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    raise TypeError(
        f"got a value of {type(value)}; a model file can contain numbers, strings, lists, tuples "
        "and dicts"
    )


def decode(node: Any) -> Any:
    """Return the value that :func:`encode` wrote.

    Parameters
    ----------
    node : object
        The value from :func:`parse_json`.

    Raises
    ------
    ModelFormatError
        If :func:`encode` cannot have written the value, or if it has too many parts.

    Examples
    --------
    >>> decode({"dict": [["flip", {"tuple": [0.5, {"float": "inf"}]}]]})
    {'flip': (0.5, inf)}
    """
    n_parts = 0

    def restore(node: Any, depth: int) -> Any:
        nonlocal n_parts
        n_parts += 1
        require(
            n_parts <= _MAX_PARTS and depth <= _MAX_DEPTH,
            f"a value has more than {_MAX_PARTS} parts or {_MAX_DEPTH} levels",
        )
        if isinstance(node, list):
            return [restore(item, depth + 1) for item in node]
        if not isinstance(node, dict):
            return node
        [(kind, content)] = node.items() if len(node) == 1 else [("", None)]
        if kind == "float" and isinstance(content, str) and content in _SPECIAL_FLOATS:
            return _SPECIAL_FLOATS[content]
        if kind == "tuple" and isinstance(content, list):
            return tuple(restore(content, depth + 1))
        if kind == "dict" and isinstance(content, list):
            items = [restore(item, depth + 1) for item in content]
            if all(type(item) is list and len(item) == 2 and _is_key(item[0]) for item in items):
                return dict(items)
        raise ModelFormatError(
            f"{shown(node)} is not a valid value; expected an encoded float, tuple or dict"
        )

    return restore(node, 0)


def dump_json(value: Any) -> bytes:
    """Return indented JSON."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def parse_json(content: bytes, name: str) -> Any:
    """Read JSON strictly: NaN, very long numbers and repeated keys are errors.

    Parameters
    ----------
    content : bytes
        JSON in UTF-8.
    name : str
        The name of the entry, for the error message.

    Raises
    ------
    ModelFormatError
        If the content is not such JSON.
    """
    try:
        return json.loads(
            content.decode(),
            parse_constant=_refuse_constant,
            parse_int=_parse_int,
            parse_float=_parse_float,
            object_pairs_hook=_parse_object,
        )
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ModelFormatError(f"{name} is not valid: {reason:.200}") from error


class Fields:
    """The items of a JSON object. Each must be taken once, and all of them.

    Parameters
    ----------
    node : object
        The value from :func:`parse_json`.
    where : str
        The name of the object, for error messages.
    """

    def __init__(self, node: Any, where: str) -> None:
        require(isinstance(node, dict), f"{where} is {shown(node)}; expected an object")
        self._left = dict(node)
        self.where = where

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, *kinds: type) -> Any:
        """Remove and return an item, whose type must be one of `kinds`."""
        require(name in self._left, f"{self.where} has no {name!r}")
        value = self._left.pop(name)
        if type(value) not in kinds:
            expected = " or ".join(kind.__name__ for kind in kinds)
            raise ModelFormatError(f"{self.where}: {name} is {shown(value)}; expected {expected}")
        return value

    def take_size(self, name: str, *, least: int, most: int) -> int:
        """Remove and return an item that is an int from `least` to `most`."""
        size = self.take(name, int)
        require(
            least <= size <= most,
            f"{self.where}: {name} is {size}; expected {least} to {most}",
        )
        return size

    def finish(self) -> None:
        """Raise an error if items are left."""
        require(not self._left, f"{self.where} has unknown items: {shown(sorted(self._left))}")


def _is_key(value: Any) -> bool:
    return type(value) in _SCALARS


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"it contains {text}")


def _parse_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"it contains a number of {len(text)} digits")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"it contains {text:.40}, which is not a finite number")
    return value


def _parse_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) < len(items):
        raise ValueError("it contains an object with a repeated key")
    return found
