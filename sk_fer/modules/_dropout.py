"""Dropout that leaves torch's global random state alone."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sk_fer.modules._layer_setting import layer_setting


class SeededDropout(nn.Module):
    """Set a random share of the values to zero in training, with a generator of the fit.

    ``torch.nn.Dropout`` draws from the generator that all threads of a process share, so that
    simultaneous fits would change each other's results.

    Parameters
    ----------
    p : float in [0, 1)
        The share of the values that are dropped, rounded to a multiple of 1/256.

    Notes
    -----
    On a CPU, drawing random numbers takes longer than multiplying by them. Therefore one random
    64-bit word is used for eight values.

    References
    ----------
    .. [1] Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
       Overfitting", JMLR 15, 2014.
    """

    generator: torch.Generator | None = None

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    @property
    def dropped(self) -> int:
        """The number of values of a random byte for which a value is dropped."""
        return min(round(self.p * 256), 255)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with a share of its values zero and the others scaled up."""
        dropped = self.dropped
        if not self.training or dropped == 0:
            return x
        if self.generator is None:
            return F.dropout(x, self.p)
        if x.device.type == "cpu":
            like = torch.empty_like(x, dtype=torch.uint8, device="meta")
            numbers = random_bytes(x.numel(), self.generator)
            kept = numbers.as_strided(like.shape, like.stride()) >= dropped
        else:
            kept = torch.empty_like(x, dtype=torch.bool).bernoulli_(
                1 - dropped / 256, generator=self.generator
            )
        return (x * kept).mul_(256 / (256 - dropped))

    def extra_repr(self) -> str:
        """Show the share in the module's repr."""
        return f"p={self.p}"


def random_bytes(n: int, generator: torch.Generator) -> Tensor:
    """Return `n` random bytes of a generator of the CPU."""
    words = torch.empty(-(-n // 8), dtype=torch.int64)
    words.random_(-(2**63), None, generator=generator)
    return words.view(torch.uint8)[:n]


def dropout_generator(
    module: nn.Module, generator: torch.Generator
) -> AbstractContextManager[None]:
    """Let the dropout layers of a module draw from a generator inside a ``with`` block.

    Parameters
    ----------
    module : torch.nn.Module
        The network that is trained.
    generator : torch.Generator
        The generator, on the device of the module.

    Returns
    -------
    context manager
        The block in which the layers use the generator.
    """
    return layer_setting(module, SeededDropout, "generator", generator)
