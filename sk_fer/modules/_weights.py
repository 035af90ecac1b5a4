"""Loads weights into a backbone. The layers can have names of several libraries."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

# The prefixes of the names of backbone weights in files of a classifier of sk_fer, of its network
# or of the backbone.
_BACKBONE_PREFIXES = ("network.backbone.", "network.features.", "backbone.", "features.", "")
_HEAD_PREFIX = "network.head."
# The names of the classification layer in torchvision and in most models of timm.
_CLASSIFIERS = ("fc", "classifier", "head")
_COUNTER = "num_batches_tracked"

_Layers = dict[str, dict[str, Tensor]]


def load_backbone(
    backbone: nn.Module, state: Mapping[str, Tensor], source: str, *, in_order: bool = True
) -> None:
    """Load weights into a backbone, either all of them or none.

    Parameters
    ----------
    backbone : torch.nn.Module
        The backbone of timm or sk_fer, which is changed in place.
    state : mapping of str to torch.Tensor
        The weights, with the names of timm, of torchvision or of a classifier of sk_fer. Input
        layers, heads and classification layers are ignored.
    source : str
        The source of the weights, for the error message.
    in_order : bool, default=True
        Whether the weights are in the order of the layers, as in a file of ``torch.save``. The
        names in a safetensors file are sorted.

    Raises
    ------
    ValueError
        If the weights do not match the backbone. In this case nothing is changed.

    See Also
    --------
    sk_fer.modules._weights_file.read_state_dict : Read weights from a file.
    head_state : The weights of the head.

    Notes
    -----
    The EfficientNets and MobileNets of torchvision have the layers of those of timm under other
    names. Such weights are matched by the order of their layers, provided that they are in order
    and that all shapes are equal. Settings that are not weights, such as the epsilon of a batch
    normalization, are not changed.

    The first convolution can have another number of input channels. For gray images, its filters
    are summed over the channels, which is equivalent to three equal channels. For more channels,
    the filters are repeated and scaled down.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from sk_fer.modules._weights import load_backbone
    >>> backbone = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2))
    >>> rgb = nn.Sequential(nn.Conv2d(3, 2, 3, bias=False), nn.BatchNorm2d(2))
    >>> load_backbone(backbone, rgb.state_dict(), "RGB weights")
    >>> torch.equal(backbone[0].weight, rgb[0].weight.sum(1, keepdim=True))
    True
    """
    own = backbone.state_dict()
    cfg = getattr(backbone, "pretrained_cfg", None) or {}
    filters = _input_filters(own, cfg)
    state = _without_classifier(_backbone_part(state, own), own, cfg)
    if in_order and not _same_names(own, state):
        state = _renamed_by_order(own, state, filters) or state
    state = {
        key: _adapted(tensor, own[key]) if key in filters & own.keys() else tensor
        for key, tensor in state.items()
    }
    missing = [f"{k!r}" for k in own if k not in state and not k.endswith(_COUNTER)]
    unknown = [f"{k!r:.100}" for k in state if k not in own]
    other = [
        f"{k!r} of {_form(state[k])} for {_form(v)}"
        for k, v in own.items()
        if k in state and _form(state[k]) != _form(v)
    ]
    if missing or unknown or other:
        name = cfg.get("architecture") or type(backbone).__name__
        hint = "" if in_order else ". A .safetensors file must have the names of timm or sk_fer"
        n_tensors = sum(not key.endswith(_COUNTER) for key in own)
        raise ValueError(
            f"{source} does not contain the weights of the backbone {name!r}: of its {n_tensors} "
            f"tensors, {_listed(missing)} are missing and {_listed(other)} have another shape; "
            f"{_listed(unknown)} are unknown. No weights were loaded{hint}"
        )
    backbone.load_state_dict({**own, **state})


def head_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the head from the weights of a classifier of sk_fer.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        The weights.

    Returns
    -------
    dict of str to torch.Tensor
        The weights of the head, with their names in the head. Empty if `state` has no such
        weights.

    Examples
    --------
    >>> from sk_fer.modules._weights import head_state
    >>> head_state({"network.head.bias": 1, "network.backbone.fc.bias": 2, "prepare.mean": 3})
    {'bias': 1}
    """
    return _stripped(state, _HEAD_PREFIX)


def _stripped(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _backbone_part(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the part of the weights with the most names of the backbone, without its prefix."""
    parts = [_stripped(state, prefix) for prefix in _BACKBONE_PREFIXES]
    most = max(parts, key=lambda part: len(own.keys() & part.keys()))
    return most if own.keys() & most.keys() else state


def _without_classifier(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor], cfg: Mapping[str, Any]
) -> Mapping[str, Tensor]:
    named = cfg.get("classifier") or ()
    names = (*_CLASSIFIERS, *([named] if isinstance(named, str) else named))
    prefixes = tuple(f"{name}." for name in names)
    return {k: v for k, v in state.items() if k in own or not k.startswith(prefixes)}


def _input_filters(own: Mapping[str, Tensor], cfg: Mapping[str, Any]) -> set[str]:
    """Return the names of the weights of the first convolution."""
    named = cfg.get("first_conv") or ()
    names = {f"{name}.weight" for name in ([named] if isinstance(named, str) else named)}
    return names or set([key for key, tensor in own.items() if tensor.ndim == 4][:1])


def _adapted(weight: Tensor, own: Tensor) -> Tensor:
    """Return convolution filters for the number of input channels of the backbone."""
    if weight.ndim != 4 or own.ndim != 4 or weight.shape[1] == own.shape[1]:
        return weight
    there, here = weight.shape[1], own.shape[1]
    if there > 4:  # these are patches of an image, not its channels
        return weight
    if here == 1:
        return weight.float().sum(1, keepdim=True)
    repeated = weight.float().repeat(1, -(-here // there), 1, 1)
    return repeated[:, :here] * (there / here)


def _same_names(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> bool:
    return all(key.endswith(_COUNTER) for key in own.keys() ^ state.keys())


def _renamed_by_order(
    own: Mapping[str, Tensor], state: Mapping[str, Tensor], filters: set[str]
) -> dict[str, Tensor] | None:
    """Return the weights with the names of the backbone, if the layers match in their order."""
    expected, layers = _layers(own), _layers(state)
    if len(layers) != len(expected):
        return None
    renamed = {
        f"{prefix}{leaf}": tensor
        for prefix, layer in zip(expected, layers.values(), strict=True)
        for leaf, tensor in layer.items()
    }
    fits = _same_names(own, renamed) and all(
        (_adapted(tensor, own[key]) if key in filters else tensor).shape == own[key].shape
        for key, tensor in renamed.items()
    )
    return renamed if fits else None


def _layers(state: Mapping[str, Tensor]) -> _Layers:
    """Return the tensors, grouped by module."""
    layers: _Layers = {}
    for key, tensor in state.items():
        prefix, dot, leaf = key.rpartition(".")
        layers.setdefault(prefix + dot, {})[leaf] = tensor
    return layers


def _form(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() or not tensor.ndim else f" {tensor.dtype}"
    return f"{tuple(tensor.shape)}{kind}"


def _listed(items: list[str]) -> str:
    if not items:
        return "0"
    return f"{len(items)} ({', '.join(items[:3])}{', ...' if len(items) > 3 else ''})"
