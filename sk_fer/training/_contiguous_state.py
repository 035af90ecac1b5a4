"""Weights in the memory layout that files of safetensors need."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class ContiguousState:
    """A module for ``save_params`` and ``load_params``, which only ask for its state.

    Parameters
    ----------
    module : torch.nn.Module
        Its weights can have another memory layout, as those of convolutions do.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, contiguous."""
        return {name: value.contiguous() for name, value in self.module.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy weights into the module, which keeps its memory layout."""
        self.module.load_state_dict(state)
