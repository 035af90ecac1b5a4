"""Converts names in files of format version 1 to the current names.

In version 1 the layers of our networks had numbers instead of names, and the classifiers had
parameters that do not exist any more.
"""

from collections.abc import Mapping
from typing import Any

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._errors import require

_REMOVED_PARAMETERS = (
    "checkpoint_minutes",
    "n_checkpoints",
    "n_views",
    "resume",
    "store_features",
)
_LEAVES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def rename_parameters(node: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a classifier without those that do not exist any more.

    Parameters
    ----------
    node : dict
        The parameters in the file. The removed ones do not affect predictions. ``tta="unsure"``
        becomes True.
    """
    kept = {name: value for name, value in node.items() if name not in _REMOVED_PARAMETERS}
    return {**kept, "tta": True} if kept.get("tta") == "unsure" else kept


def rename_weights(arrays: Arrays, expected: Mapping[str, Any]) -> Arrays:
    """Return the weights of a network under their current names.

    Parameters
    ----------
    arrays : dict of str to ndarray
        The weights in the file.
    expected : mapping of str to object
        The current names, in the order of the layers, which has not changed.

    Raises
    ------
    ModelFormatError
        If the layers are not those of the network.
    """
    old = sorted((name for name in arrays if name not in expected), key=_position)
    new = [name for name in expected if name not in arrays]
    leaves = [[name.rpartition(".")[2] for name in names] for names in (old, new)]
    require(leaves[0] == leaves[1], "the weights do not match the layers of the network")
    names = dict(zip(old, new, strict=True))
    return {names.get(name, name): array for name, array in arrays.items()}


def _position(name: str) -> tuple[Any, ...]:
    """Return a sort key in the order of the layers, with layer 2 before layer 10."""
    *layer, leaf = name.split(".")
    leaf_position = _LEAVES.index(leaf) if leaf in _LEAVES else len(_LEAVES)
    return [(int(part) if part.isdecimal() else -1, part) for part in layer], leaf_position
