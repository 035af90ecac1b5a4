"""The optimizers by name, with the settings that "auto" stands for."""

from inspect import signature
from typing import Any, NamedTuple

import torch

from sk_fer.training._muon import Muon


class OptimizerDefaults(NamedTuple):
    """An optimizer and the values of the parameters that are "auto"."""

    kind: type[torch.optim.Optimizer]
    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0


# "muon" as measured in benchmarks/recipe.py, and the others as usual for them. A learning rate of
# 0.05 for "sgd" is better with large batches and batch normalization, but too large for small
# dense networks.
OPTIMIZERS: dict[str, OptimizerDefaults] = {
    "muon": OptimizerDefaults(Muon, lr=0.05, momentum=0.6, weight_decay=5e-4),
    "sgd": OptimizerDefaults(torch.optim.SGD, lr=0.02, momentum=0.9, weight_decay=5e-4),
    "adam": OptimizerDefaults(torch.optim.Adam, lr=1e-3),
    "adamw": OptimizerDefaults(torch.optim.AdamW, lr=1e-3, weight_decay=0.01),
    "rmsprop": OptimizerDefaults(torch.optim.RMSprop, lr=1e-3),
    "adagrad": OptimizerDefaults(torch.optim.Adagrad, lr=0.01),
}


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
    known = signature(OPTIMIZERS[name].kind).parameters
    settings = {"momentum": momentum, "nesterov": momentum > 0}
    return {key: value for key, value in settings.items() if key in known and "momentum" in known}
