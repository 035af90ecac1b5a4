"""The optimizers by name, each with the settings that the estimators fix."""

from typing import Any

import torch

from sk_fer.training._muon import Muon

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "muon": Muon,
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}


def optimizer_settings(name: str, momentum: float) -> dict[str, Any]:
    """Return the keyword arguments of an optimizer that depend on `momentum`.

    Parameters
    ----------
    name : str
        The name of the optimizer, a key of ``OPTIMIZERS``.
    momentum : float in [0, 1)
        The momentum of "muon", "sgd" (Nesterov's) and "rmsprop". The other optimizers do not
        use it.

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
    if name == "sgd":
        return {"momentum": momentum, "nesterov": momentum > 0}
    if name in ("muon", "rmsprop"):
        return {"momentum": momentum}
    return {}
