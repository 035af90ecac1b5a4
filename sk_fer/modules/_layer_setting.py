"""A setting of the layers of a network that is removed after a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def layer_setting(
    module: nn.Module, kind: type[nn.Module], name: str, value: Any
) -> Iterator[None]:
    """Set an attribute of all layers of a kind, and set it to None after the block.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    kind : type
        Class of the layers.
    name : str
        Name of the attribute, which is None otherwise.
    value : object
        The value inside the block.
    """
    layers = [layer for layer in module.modules() if isinstance(layer, kind)]
    for layer in layers:
        setattr(layer, name, value)
    try:
        yield
    finally:
        for layer in layers:
            setattr(layer, name, None)
