"""Trees of tensors and plain values as bytes that hold no code."""

import json
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

_PLAIN = (type(None), bool, int, float, str)


def pack_state(tree: Any) -> bytes:
    """Write a tree as safetensors whose metadata is JSON.

    Parameters
    ----------
    tree : object
        Tensors, numbers, text and None in dicts, lists and tuples of any depth.

    Returns
    -------
    bytes
        A copy: what happens to the tensors later does not matter.

    Raises
    ------
    TypeError
        If there is anything else in the tree.

    Examples
    --------
    >>> import torch
    >>> from sk_fer.training._state_file import pack_state, unpack_state
    >>> unpack_state(pack_state({"lr": 0.1, 0: (torch.zeros(2), None)}))
    {'lr': 0.1, 0: (tensor([0., 0.]), None)}
    """
    tensors: dict[str, Tensor] = {}
    plain = _flatten(tree, tensors)
    return save(tensors, metadata={"tree": json.dumps(plain)})


def unpack_state(content: bytes) -> Any:
    """Return the tree that :func:`pack_state` wrote, its tensors on the CPU.

    Parameters
    ----------
    content : bytes
        From :func:`pack_state`.
    """
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return _restore(json.loads(header["__metadata__"]["tree"]), load(content))


def is_storable(value: Any) -> bool:
    """Return whether :func:`pack_state` takes a value."""
    if isinstance(value, dict):
        return all(is_storable(part) for item in value.items() for part in item)
    if isinstance(value, (list, tuple)):
        return all(map(is_storable, value))
    return type(value) in _PLAIN or isinstance(value, (Tensor, np.generic))


def _flatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return what JSON can hold of a tree, and gather its tensors."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        # Sums over a tensor can round differently in another layout.
        return {"tensor": name, "channels_last": _is_channels_last(value)}
    if isinstance(value, dict):
        return {"dict": [[_flatten(part, tensors) for part in item] for item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_flatten(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_flatten(item, tensors) for item in value]
    raise TypeError(f"a state file holds no {type(value).__name__}")


def _restore(plain: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(plain, list):
        return [_restore(item, tensors) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if "tensor" in plain:
        tensor = tensors[plain["tensor"]]
        return tensor.to(memory_format=torch.channels_last) if plain["channels_last"] else tensor
    if "tuple" in plain:
        return tuple(_restore(plain["tuple"], tensors))
    return {_restore(key, tensors): _restore(value, tensors) for key, value in plain["dict"]}


def _is_channels_last(tensor: Tensor) -> bool:
    return (
        tensor.ndim == 4
        and not tensor.is_contiguous()
        and tensor.is_contiguous(memory_format=torch.channels_last)
    )
