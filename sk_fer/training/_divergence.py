"""A training that diverged: found without waiting for the device, and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from skorch import NeuralNet


class DivergenceWatch:
    """Notes the losses of an epoch on the device, and looks at them when it is over.

    Parameters
    ----------
    net : skorch.NeuralNet
        At the begin of an epoch.
    module : torch.nn.Module
        What of it can change; its weights are kept for the case.
    n_batches : int
        Of the epoch.
    """

    def __init__(self, net: NeuralNet, module: nn.Module, n_batches: int) -> None:
        self.net = net
        self.module = module
        self.losses = torch.zeros(n_batches, device=net.device)
        self.rates: list[float] = []
        self.weights = {name: value.clone() for name, value in module.state_dict().items()}

    def note(self, loss: Tensor) -> None:
        """Note the loss of the next batch, and the learning rate."""
        self.losses[len(self.rates)] = loss
        self.rates.append(self.net.optimizer_.param_groups[0]["lr"])

    def check(self) -> None:
        """Raise an error if the epoch diverged, and put the weights before it back.

        Raises
        ------
        ValueError
            If a loss or, after the last batch, a weight is infinite or no number.
        """
        # The statistics of batch normalization too: infinite ones hide from the loss.
        tensors = [t for t in self.module.state_dict().values() if t.is_floating_point()]
        weights = torch.stack([tensor.isfinite().all() for tensor in tensors]).all()
        finite = [*self.losses.isfinite().tolist(), bool(weights)]
        if all(finite):
            return
        batch = min(finite.index(False), len(self.losses) - 1)
        self.module.load_state_dict(self.weights)
        self.net.initialize_optimizer()  # its moments are no longer finite either
        raise ValueError(
            f"the training diverged: the loss is {self.losses[batch]:.3g} in epoch "
            f"{len(self.net.history)}, batch {batch + 1} of {len(self.losses)}, at a learning rate "
            f"of {self.rates[batch]:.3g}; lower lr. The weights from before that epoch are kept"
        )
