"""The settings of the optimizers."""

from inspect import signature
from typing import Any

from sk_fer._utils._choices import OPTIMIZERS, find_piece


def optimizer_settings(name: str, momentum: float) -> dict[str, Any]:
    """Return the keyword arguments of an optimizer that depend on `momentum`.

    Parameters
    ----------
    name : str
        The name of the optimizer, a key of ``OPTIMIZERS``.
    momentum : float in [0, 1)
        The momentum of the optimizers that have one. It is Nesterov's if the optimizer has the
        option.

    Returns
    -------
    dict
        The keyword arguments.

    Examples
    --------
    >>> optimizer_settings("sgd", 0.9)
    {'momentum': 0.9, 'nesterov': True}
    >>> optimizer_settings("adam", 0.9)
    {}
    """
    known = signature(find_piece(OPTIMIZERS[name].piece)).parameters
    settings = {"momentum": momentum, "nesterov": momentum > 0}
    return {key: value for key, value in settings.items() if key in known and "momentum" in known}
