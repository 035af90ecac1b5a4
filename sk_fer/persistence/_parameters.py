"""The parameters of an estimator in a model file."""

from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sk_fer._utils._layout import check_size
from sk_fer.persistence._errors import ModelFormatError, require, shown
from sk_fer.persistence._plain import decode, encode
from sk_fer.persistence._registry import (
    MAX_IMAGE_VALUES,
    NEVER_SAVED,
    RENAMED_PARAMETERS,
    SAVED_WEIGHTS,
)

_SIZES = ("image_size", "input_size", "kernel_size")
_MAX_INTEGER = 2**63 - 1


def describe_parameters(estimator: BaseEstimator, left_out: list[str]) -> dict[str, Any]:
    """Return the parameters of an estimator as JSON types.

    Parameters
    ----------
    estimator : BaseEstimator
        An estimator of a class in the registry.
    left_out : list of str
        The names of parameters that model files do not contain are added, except for default
        values.

    Raises
    ------
    TypeError
        If a value of another parameter cannot be written as JSON.
    """
    defaults = signature(type(estimator)).parameters
    described = {}
    for name, value in estimator.get_params(deep=False).items():
        if (
            name in NEVER_SAVED
            or isinstance(value, np.random.RandomState)
            or (name == "weights" and not _is_saved_weights(value))
        ):
            if value is not defaults[name].default:
                left_out.append(f"{name} of {type(estimator).__name__}")
            continue
        try:
            described[name] = encode(str(value) if name == "device" else value)
        except TypeError as error:
            hint = ""
            if isinstance(value, BaseEstimator):
                hint = (
                    f". Call set_params to set another {name} before save_model, and to set this "
                    "one again after load_model"
                )
            raise TypeError(f"{name} of {type(estimator).__name__}: {error}{hint}") from error
    return described


def build(kind: type, node: Any) -> Any:
    """Return an unfitted estimator with the parameters in a file, and validate them.

    Parameters
    ----------
    kind : type
        A class in the registry.
    node : object
        The parameters in the file.

    Raises
    ------
    ModelFormatError
        If the class has no such parameter, or a value is not valid.
    """
    where = f"parameters of {kind.__name__}"
    require(isinstance(node, dict), f"{where} are {shown(node)}; expected an object")
    for old, new in RENAMED_PARAMETERS.get(kind, {}).items():
        if old in node and new not in node:
            node = {new if name == old else name: item for name, item in node.items()}
    known = set(signature(kind).parameters) - set(NEVER_SAVED)
    unknown = sorted(set(node) - known)
    require(not unknown, f"{where}: unknown {', '.join(unknown):.200}; expected {sorted(known)}")
    parameters = {name: decode(value) for name, value in node.items()}
    for name, value in parameters.items():
        _check_numbers(value, f"{where}: {name}")
        if name == "weights":
            require(
                _is_saved_weights(value),
                f"{where}: weights is {shown(value)}; expected one of {SAVED_WEIGHTS}",
            )
        if name in _SIZES and isinstance(value, list | tuple | int):
            _check_size(value, name, where)
    estimator = kind(**parameters)
    try:
        estimator._validate_params()
    except (ValueError, TypeError) as error:
        raise ModelFormatError(f"{where}: {error}") from error
    return estimator


def _is_saved_weights(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in SAVED_WEIGHTS)


def _check_numbers(value: Any, where: str) -> None:
    """Raise an error for integers of more than 64 bits."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            _check_numbers(item, where)
    elif isinstance(value, int):
        require(abs(value) <= _MAX_INTEGER, f"{where} is {value}; expected a 64-bit integer")


def _check_size(value: Any, name: str, where: str) -> None:
    try:
        height, width = check_size(value, name)
    except ValueError as error:
        raise ModelFormatError(f"{where}: {error}") from error
    require(
        height * width <= MAX_IMAGE_VALUES,
        f"{where}: {name} is {shown(value)}; expected (height, width) of at most "
        f"{MAX_IMAGE_VALUES} pixels",
    )
