"""Detection of a training that diverged, without waiting for the device in each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from skorch import NeuralNet


class DivergenceWatch:
    """Record the losses of an epoch on the device, and check them at its end.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net, at the start of an epoch.
    module : torch.nn.Module
        The part of the net that is trained. A copy of its weights is kept.
    n_batches : int
        The number of batches in the epoch.
    """

    def __init__(self, net: NeuralNet, module: nn.Module, n_batches: int) -> None:
        self.net = net
        self.module = module
        self.losses = torch.zeros(n_batches, device=net.device)
        self.rates: list[float] = []
        self.weights = {name: value.clone() for name, value in module.state_dict().items()}

    def note(self, loss: Tensor) -> None:
        """Record the loss of the next batch and the learning rate."""
        self.losses[len(self.rates)] = loss
        self.rates.append(self.net.optimizer_.param_groups[0]["lr"])

    def check(self) -> None:
        """Raise an error if the epoch diverged, and restore the weights from before it.

        Raises
        ------
        ValueError
            If a loss or, after the last batch, a weight is not finite.
        """
        # This includes the statistics of batch normalization, which do not change the loss.
        tensors = [t for t in self.module.state_dict().values() if t.is_floating_point()]
        weights = torch.stack([tensor.isfinite().all() for tensor in tensors]).all()
        finite = [*self.losses.isfinite().tolist(), bool(weights)]
        if all(finite):
            return
        batch = min(finite.index(False), len(self.losses) - 1)
        self.module.load_state_dict(self.weights)
        self.net.initialize_optimizer()  # the moments of the old one are not finite either
        raise ValueError(
            f"the training diverged: the loss is {self.losses[batch]:.3g} in epoch "
            f"{len(self.net.history)}, batch {batch + 1} of {len(self.losses)}, at a learning rate "
            f"of {self.rates[batch]:.3g}; lower lr. The weights from before that epoch are kept"
        )
