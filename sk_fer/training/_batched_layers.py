"""The layers of several equal networks, computed together by products of stacked matrices."""

from itertools import accumulate, chain, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sk_fer.modules import FaceModule, SeededDropout
from sk_fer.modules._blocks import FeaturesAndHead
from sk_fer.modules._dense import ACTIVATIONS
from sk_fer.modules._dropout import random_bytes
from sk_fer.training._forward import layers_for

_ELEMENTWISE = tuple(ACTIVATIONS.values())
_KNOWN = (nn.Linear, nn.Flatten, SeededDropout, *_ELEMENTWISE)


def plain_layers(module: FaceModule, kind: str) -> list[nn.Module] | None:
    """Return the layers behind the input layer, if they can be computed for several networks.

    Parameters
    ----------
    module : FaceModule
        The module.
    kind : {"images", "features"}
        The kind of the data, as in :class:`FaceDataset`.

    Returns
    -------
    list of torch.nn.Module or None
        The layers in their order. None if there are other layers than dense layers, dropout and
        activations.
    """
    layers = layers_for(module, kind)
    found = _flat(layers.network if isinstance(layers, FaceModule) else layers)
    is_plain = all(type(layer) in _KNOWN for layer in found)
    return found if is_plain and any(isinstance(layer, nn.Linear) for layer in found) else None


def _flat(layer: nn.Module) -> list[nn.Module]:
    plain = type(layer) is nn.Sequential or type(layer).forward is FeaturesAndHead.forward
    return [part for child in layer.children() for part in _flat(child)] if plain else [layer]


class StackedLayers:
    """The layers of several networks whose weights are slices of common tensors.

    The parameters of the networks become views of these tensors, until :meth:`release`.

    Parameters
    ----------
    networks : list of list of torch.nn.Module
        The layers of each network, from :func:`plain_layers`. They have the same kinds and shapes.
    counts : list of int
        The networks are in groups of these sizes. Those of a group have the same input.
    """

    def __init__(self, networks: list[list[nn.Module]], counts: list[int]) -> None:
        self.layers = list(zip(*networks, strict=True))
        self.counts = counts
        kinds = [type(layer) for layer in networks[0]]
        # Where nothing random comes first, the networks of a group are one wide layer at first.
        random = SeededDropout in kinds[: kinds.index(nn.Linear)]
        self.shared_input = not random and len(counts) < len(networks)
        self.members: list[tuple[nn.Parameter, ...]] = []
        first = True
        for layers in self.layers:
            if isinstance(layers[0], nn.Linear):
                parts = [layers]
                if first and self.shared_input:
                    edges = pairwise(accumulate(counts, initial=0))
                    parts = [layers[start:stop] for start, stop in edges]
                self.members += [tuple(x.weight for x in part) for part in parts]
                self.members += [tuple(x.bias for x in part) for part in parts]
                first = False
        self.leaves = [torch.stack(part).detach().requires_grad_() for part in self.members]
        with torch.no_grad():
            for leaf, part in zip(self.leaves, self.members, strict=True):
                for parameter, weights in zip(part, leaf.detach(), strict=True):
                    parameter.data = weights

    def release(self) -> None:
        """Give the parameters of each network memory of their own."""
        for parameter in chain.from_iterable(self.members):
            parameter.data = parameter.data.clone()

    def set_gradients(self, loss: Tensor) -> None:
        """Compute the gradients of a loss, and give each parameter its part."""
        gradients = torch.autograd.grad(loss, self.leaves)
        for part, gradient in zip(self.members, gradients, strict=True):
            # Fused optimizers read the memory of both in the same order.
            for parameter, own in zip(part, gradient.contiguous().unbind(), strict=True):
                parameter.grad = own

    def __call__(self, inputs: list[Tensor], masks: "DropoutMasks | None" = None) -> Tensor:
        """Return the logits of each network on its batch.

        Parameters
        ----------
        inputs : list of Tensor of shape (n_samples, ...)
            The batch of each group.
        masks : DropoutMasks, default=None
            The masks of dropout. If None, nothing is dropped.

        Returns
        -------
        Tensor of shape (n_networks, n_samples, n_classes)
            The logits. Shorter batches are padded at the end.
        """
        leaves = iter(self.leaves)
        size = max(map(len, inputs))
        x: Tensor | None = None
        for layers in self.layers:
            layer = layers[0]
            if isinstance(layer, nn.Linear):
                if x is None and self.shared_input:
                    weights, biases = ([next(leaves) for _ in inputs] for _ in range(2))
                    x = torch.cat(
                        [
                            _padded(_wide(*each), size)
                            for each in zip(inputs, weights, biases, strict=True)
                        ]
                    )
                else:
                    weight, bias = next(leaves), next(leaves)
                    x = self._separate(inputs, size) if x is None else x
                    x = torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))
            elif isinstance(layer, SeededDropout):
                if masks is not None and any(each.p for each in layers):
                    x = self._separate(inputs, size) if x is None else x
                    x = masks.apply(x, layers)
            elif x is None:
                inputs = [layer(each) for each in inputs]
            else:
                x = layer(x)
        assert x is not None
        return x

    def _separate(self, inputs: list[Tensor], size: int) -> Tensor:
        """Return the batch of each network."""
        return torch.cat(
            [
                _padded(x.expand(count, *x.shape), size)
                for x, count in zip(inputs, self.counts, strict=True)
            ]
        )


def _wide(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Apply several layers to the same input."""
    outputs = F.linear(x, weight.flatten(0, 1), bias.flatten())
    return outputs.view(len(x), *bias.shape).transpose(0, 1)


def _padded(x: Tensor, size: int) -> Tensor:
    """Return x, (n_networks, n_samples, n_units), with rows of zeros at the end."""
    missing = size - x.shape[1]
    return F.pad(x, (0, 0, 0, missing)) if missing else x


class DropoutMasks:
    """The dropout of several networks, with the random numbers that each draws alone.

    Parameters
    ----------
    networks : list of list of torch.nn.Module
        The layers of each network.
    generators : list of torch.Generator
        The generator of each network.
    seeds : list of object
        Networks with the same value draw the same numbers.
    """

    def __init__(
        self,
        networks: list[list[nn.Module]],
        generators: list[torch.Generator],
        seeds: list[object],
    ) -> None:
        self.generators = generators
        self.sizes: list[int] = []
        draws: dict[object, list[int]] = {}
        for i, (layers, seed) in enumerate(zip(networks, seeds, strict=True)):
            drops = tuple(bool(x.dropped) for x in layers if isinstance(x, SeededDropout))
            draws.setdefault((seed, drops), []).append(i)
        self.leads = [members[0] for members in draws.values()]
        self.draw_of = torch.zeros(len(networks), dtype=torch.int64)
        for i, members in enumerate(draws.values()):
            self.draw_of[members] = i

    def apply(self, x: Tensor, layers: tuple[nn.Module, ...]) -> Tensor:
        """Apply a layer of dropout to x, of shape (n_networks, n_samples, n_units)."""
        dropped = [layer.dropped for layer in layers if isinstance(layer, SeededDropout)]
        size, n_units = x.shape[1:]
        scale = torch.tensor([256 / (256 - n) for n in dropped], device=x.device).view(-1, 1, 1)
        if x.device.type == "cpu":
            numbers = [
                _padded(
                    random_bytes(self.sizes[i] * n_units, self.generators[i]).view(1, -1, n_units)
                    if dropped[i]
                    else torch.zeros(1, size, n_units, dtype=torch.uint8),
                    size,
                )
                for i in self.leads
            ]
            drawn = torch.cat(numbers)
            if len(self.leads) > 1:
                drawn = drawn[self.draw_of]
            kept = drawn >= torch.tensor(dropped, dtype=torch.uint8).view(-1, 1, 1)
        else:
            kept = torch.ones_like(x, dtype=torch.bool)
            for own, n, generator, n_samples in zip(
                kept, dropped, self.generators, self.sizes, strict=True
            ):
                if n:
                    own[:n_samples].bernoulli_(1 - n / 256, generator=generator)
        return (x * kept).mul_(scale)
