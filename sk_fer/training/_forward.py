"""Computes logits from a batch of images or features."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sk_fer.modules import FaceModule


def layers_for(module: FaceModule, kind: str) -> nn.Module:
    """Return the layers that compute logits from a kind of data.

    Parameters
    ----------
    module : FaceModule
        The module.
    kind : {"images", "features"}
        The kind of the data, as in :class:`FaceDataset`.

    Returns
    -------
    torch.nn.Module
        The module, or the head of its network for features.
    """
    head: nn.Module = module.network.head if kind == "features" else module  # type: ignore[assignment]
    return head


def forward(
    module: FaceModule,
    inputs: dict[str, Tensor],
    precision: torch.dtype,
    augment: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Return the logits of a batch.

    Parameters
    ----------
    module : FaceModule
        The module.
    inputs : dict of str to Tensor
        The inputs of a batch. The first one is the data, under the name of its kind.
    precision : torch.dtype
        The type in which matrix products are computed.
    augment : callable, default=None
        A function that changes normalized images.

    Returns
    -------
    Tensor of shape (n_samples, n_classes)
        The logits.
    """
    kind, values = next(iter(inputs.items()))
    if augment is None:
        return in_precision(layers_for(module, kind), values, precision)
    # Images are moved in float32, because bfloat16 would round the positions of pixels.
    return in_precision(module.network, augment(module.prepare(values)), precision)


def in_precision(layers: Callable[[Tensor], Tensor], x: Tensor, precision: torch.dtype) -> Tensor:
    """Apply layers, with matrix products in a precision."""
    reduced = precision != torch.float32
    with torch.autocast(x.device.type, dtype=precision, enabled=reduced):
        return layers(x)
