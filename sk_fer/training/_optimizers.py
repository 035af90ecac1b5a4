"""The settings of the optimizers."""

from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any

import torch
from torch import nn

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


def parameter_groups(
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    lr: float,
    weight_decay: float,
    lr_factors: Mapping[str, float],
) -> list[dict[str, Any]]:
    """Return the groups of an optimizer, with weight decay on matrices and filters only.

    Parameters
    ----------
    named_parameters : iterable of (str, torch.nn.Parameter)
        The parameters with their names.
    lr : float
        The learning rate.
    weight_decay : float
        The L2 penalty on matrices and filters. Biases and normalization layers have none.
    lr_factors : mapping of str to float
        The learning rate of parameters as a share of `lr`, by the beginning of their names.

    Returns
    -------
    list of dict
        The groups.
    """
    factors = {"": 1.0, **lr_factors}
    members: dict[str, list[nn.Parameter]] = {prefix: [] for prefix in factors}
    for name, parameter in named_parameters:
        prefix = next((prefix for prefix in lr_factors if name.startswith(prefix)), "")
        members[prefix].append(parameter)
    groups = []
    for prefix, factor in factors.items():
        # The schedulers of torch start from "initial_lr" when a fit continues.
        rate = {"lr": lr * factor, "initial_lr": lr * factor, "lr_factor": factor}
        decayed = [parameter for parameter in members[prefix] if parameter.ndim > 1]
        others = [parameter for parameter in members[prefix] if parameter.ndim <= 1]
        groups.append({"params": decayed, "weight_decay": weight_decay, **rate})
        groups.append({"params": others, "weight_decay": 0.0, **rate})
    return groups


def may_be_fused(kind: type[torch.optim.Optimizer], device_type: str) -> bool:
    """Return whether an optimizer has a fused implementation that is right on a device."""
    # Fused SGD fails if parameters are unfrozen at different times, and reads uninitialized memory
    # if a step of float16 was skipped.
    has_option = "fused" in signature(kind).parameters and kind is not torch.optim.SGD
    return has_option and device_type in ("cpu", "cuda")


def take_state(optimizer: torch.optim.Optimizer, other: torch.optim.Optimizer) -> bool:
    """Copy the moments of another optimizer of the same parameters.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The optimizer that is changed.
    other : torch.optim.Optimizer
        The other one.

    Returns
    -------
    bool
        False if the other one is of another kind, and nothing was copied.
    """
    if type(optimizer) is not type(other) or _shaping(optimizer) != _shaping(other):
        return False
    state = other.state_dict()["state"]
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return True


def _shaping(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the settings on which the form of the state of an optimizer depends."""
    return {k: v for k, v in optimizer.defaults.items() if k not in ("lr", "weight_decay")}
