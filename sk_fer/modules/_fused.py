"""The form of a network for predictions: the same function in fewer steps."""

import copy
from collections import OrderedDict
from typing import TypeGuard

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sk_fer.modules._weighted_norm import WeightedBatchNorm2d


def fused_for_evaluation(network: nn.Module) -> nn.Module:
    """Return a copy of a network in which batch normalization costs little or nothing.

    In every ``nn.Sequential``, a batch normalization directly after a convolution is merged into
    its filters. A batch normalization before a max-pool moves behind it if its scales are
    positive, because the order of the values does not change then. ReLU works in place.

    Parameters
    ----------
    network : torch.nn.Module
        The network. It is not changed.

    Returns
    -------
    torch.nn.Module
        The copy, in evaluation mode and without gradients.

    Examples
    --------
    >>> import torch
    >>> from sk_fer.modules import FastCNN, fused_for_evaluation
    >>> network = FastCNN((1, 48, 48), 7).eval()
    >>> fused = fused_for_evaluation(network)
    >>> list(dict(network.features.stage3[1].named_children()))
    ['conv', 'norm', 'relu']
    >>> list(dict(fused.features.stage3[1].named_children()))
    ['conv', 'relu']
    >>> x = torch.ones(1, 1, 48, 48)
    >>> torch.allclose(network(x), fused(x), atol=1e-6)
    True
    """
    fused = copy.deepcopy(network).eval().requires_grad_(False)
    for part in list(fused.modules()):
        if isinstance(part, nn.Sequential) and type(part).forward is nn.Sequential.forward:
            layers = _fused(list(part.named_children()))
            part._modules.clear()
            for name, layer in layers:
                part.add_module(name, layer)
    return fused


def _fused(layers: list[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Return the remaining layers with their names."""
    done: list[tuple[str, nn.Module]] = []
    for name, layer in layers:
        before_name, before = done[-1] if done else ("", None)
        if _only_normalizes(layer) and isinstance(before, nn.Conv2d):
            done[-1] = before_name, fuse_conv_bn_eval(before, layer).requires_grad_(False)
        elif isinstance(layer, nn.MaxPool2d) and _keeps_order(before):
            done[-1:] = [(name, layer), (before_name, before)]
        elif isinstance(layer, nn.ReLU) and isinstance(
            before, nn.Conv2d | nn.BatchNorm2d | nn.Linear
        ):
            done.append((name, nn.ReLU(inplace=True)))
        else:
            done.append((name, layer))
    return done


def _only_normalizes(layer: nn.Module | None) -> TypeGuard[nn.BatchNorm2d]:
    # Subclasses in timm do more.
    return type(layer) in (nn.BatchNorm2d, WeightedBatchNorm2d)


def _keeps_order(layer: nn.Module | None) -> TypeGuard[nn.BatchNorm2d]:
    return _only_normalizes(layer) and bool((layer.weight > 0).all())


def largest_activation(module: nn.Module, image: torch.Tensor) -> int:
    """Return the number of bytes of the largest output of a layer for one image.

    Parameters
    ----------
    module : torch.nn.Module
        The module, in evaluation mode.
    image : Tensor of shape (1, height, width, channels)
        The image, on the device of the module.

    Returns
    -------
    int
        The number of bytes.
    """
    largest = image.nbytes

    def note(_: nn.Module, __: object, output: object) -> None:
        nonlocal largest
        if isinstance(output, torch.Tensor):
            largest = max(largest, output.nbytes)

    layers = list(module.modules())
    # Hooks of users are not called for this image.
    kept = [(layer, layer._forward_hooks, layer._forward_pre_hooks) for layer in layers]
    try:
        for layer in layers:
            layer._forward_hooks, layer._forward_pre_hooks = OrderedDict(), OrderedDict()
            layer.register_forward_hook(note)
        with torch.inference_mode():
            module(image)
    finally:
        for layer, hooks, pre_hooks in kept:
            layer._forward_hooks, layer._forward_pre_hooks = hooks, pre_hooks
    return largest
