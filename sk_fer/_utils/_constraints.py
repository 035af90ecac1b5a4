"""Constraints of parameters, in addition to those of scikit-learn."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from sklearn.utils import _param_validation

Function = TypeVar("Function", bound=Callable[..., Any])


class Interval(_param_validation.Interval):
    """An interval of numbers that does not contain True and False."""

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is a number in the interval."""
        return not isinstance(val, bool) and super().is_satisfied_by(val)


class TorchDevice(_param_validation.HasMethods):
    """A ``torch.device``, recognized without importing torch."""

    def __init__(self) -> None:
        super().__init__("__enter__")  # scikit-learn accepts no constraints of other kinds

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is a ``torch.device``."""
        return (type(val).__module__, type(val).__name__) == ("torch", "device")

    def __str__(self) -> str:
        return "a torch.device"


class NameIn(_param_validation.HasMethods):
    """A name in a table, which is imported when a value is checked.

    An entry that is added to the table is therefore accepted, and torch is not imported before
    something is fitted.

    Parameters
    ----------
    folder : str
        The folder that exports the table, such as ``"sk_fer.training"``.
    table : str
        The name of the table: a mapping with str keys, or a function that returns the names.
    """

    def __init__(self, folder: str, table: str) -> None:
        super().__init__("lower")  # scikit-learn accepts no constraints of other kinds
        self.folder = folder
        self.table = table

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is a name in the table."""
        return isinstance(val, str) and val in self._names()

    def __str__(self) -> str:
        return f"a str among {{{', '.join(map(repr, sorted(self._names())))}}}"

    def _names(self) -> list[str]:
        table = getattr(import_module(self.folder), self.table)
        return list(table() if callable(table) else table)


def validate_params(
    constraints: dict[str, list[Any]], *, skip_nested: bool = True
) -> Callable[[Function], Function]:
    """Return a decorator that checks the arguments of a function before each call.

    Parameters
    ----------
    constraints : dict of str to list
        The valid values of each parameter, as in ``_parameter_constraints`` of an estimator.
    skip_nested : bool, default=True
        Whether the arguments of the functions that the function calls are not checked. It is
        False for a function that passes arguments on.

    Returns
    -------
    decorator : callable
        The decorator. The function then raises an ``InvalidParameterError`` (a ValueError and a
        TypeError) for invalid arguments.
    """
    return _param_validation.validate_params(constraints, prefer_skip_nested_validation=skip_nested)
