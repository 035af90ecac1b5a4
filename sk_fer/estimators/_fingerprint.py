"""A description of the data and the parameters of a training, to compare trainings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_fer._utils._array_digest import checksum
from sk_fer._utils._digest import digest
from sk_fer._utils._other_run import OtherRunError
from sk_fer.estimators._parameters import resolve_optimizer_settings
from sk_fer.estimators._weights_source import open_weights

if TYPE_CHECKING:
    from sk_fer.training import FaceDataset, FERNet

# Parameters that do not change the trained model.
_WITHOUT_EFFECT = {
    "callbacks",
    "checkpoint",
    "compile",
    "device",
    "random_state",  # added below
    "tta",
    "verbose",
    "warm_start",
}
_DATA = {
    "X",
    "y",
    "sample_weight",
    "X_val",
    "y_val",
    "groups",
    "weights",
    "weights at the start",
}


def fingerprint(
    estimator: str,
    parameters: Mapping[str, Any],
    seed: int,
    classes: NDArray,
    train: FaceDataset,
    valid: FaceDataset | None,
    previous: FERNet | None,
    groups: NDArray[np.intp] | None = None,
) -> dict[str, Any]:
    """Describe a training by plain values and checksums of its data.

    Parameters
    ----------
    estimator : str
        The name of the class of the classifier.
    parameters : mapping of str to object
        The parameters of the classifier.
    seed : int
        The seed that was drawn from `random_state`.
    classes : ndarray of shape (n_classes,)
        The classes.
    train : FaceDataset
        The training images, before validation images are set aside.
    valid : FaceDataset or None
        ``X_val`` and ``y_val``.
    previous : FERNet or None
        The net that a warm start continues.
    groups : ndarray of shape (n_samples,) or None
        The groups that the validation split keeps apart.

    Returns
    -------
    dict
        The description, which JSON can contain.
    """
    described = {
        name: _plain(value) for name, value in parameters.items() if name not in _WITHOUT_EFFECT
    }
    described.update(resolve_optimizer_settings(parameters)._asdict())
    if "weights" in parameters:
        described["weights"] = _content_of_weights(parameters["weights"], parameters["backbone"])
    # If random_state is not an int, the training continues with the seed of its first start.
    random_state = parameters["random_state"]
    if not isinstance(random_state, (Integral, type(None))):
        random_state = seed  # a RandomState returns another seed each time
    start = None
    if previous is not None:
        weights = (v.float().cpu().numpy() for v in previous.module_.state_dict().values())
        start = f"{len(previous.history)} epochs, {checksum(*weights)}"
    split = {} if groups is None else {"groups": checksum(groups)}
    return {
        "estimator": estimator,
        **described,
        "random_state": _plain(random_state),
        "X": checksum(train.X, train.rows),
        "y": [_plain(classes.tolist()), checksum(train.y)],
        "sample_weight": checksum(train.sample_weight),
        "X_val": None if valid is None else checksum(valid.X),
        "y_val": None if valid is None else checksum(valid.y),
        "weights at the start": start,
        **split,
    }


def short_name(described: Mapping[str, Any]) -> str:
    """Return a short name for a training."""
    return digest(json.dumps(described, sort_keys=True))[:16]


def check_same(there: Mapping[str, Any], here: Mapping[str, Any], folder: str) -> None:
    """Raise an error if a checkpoint belongs to another training.

    Parameters
    ----------
    there, here : mapping
        The descriptions of the checkpoint and of the fit, from :func:`fingerprint`.
    folder : str
        The folder of the checkpoint.

    Raises
    ------
    ValueError
        If the descriptions differ. The message names the differences.
    """
    differing = [
        _difference(name, there.get(name), here.get(name))
        for name in {**there, **here}
        if there.get(name) != here.get(name)
    ]
    if differing:
        raise OtherRunError(
            f"the checkpoints in {folder} are of another training: {'; '.join(differing)}. "
            "Use another folder, or remove the checkpoints and start again with "
            f"checkpoint={{'folder': {folder!r}, 'resume': False}}"
        )


def _difference(name: str, there: Any, here: Any) -> str:
    if name in _DATA:
        return f"{name} differs"
    return f"{name} was {there!r} and is {here!r}"


def _content_of_weights(weights: Any, backbone: str) -> str | None:
    """Return a checksum of the weights in a file or in a fitted classifier."""
    source = open_weights(weights, backbone)
    if source is None or source.state is None:
        return weights
    return checksum(*(tensor.float().numpy() for tensor in source.state.values()))


def _plain(value: Any) -> Any:
    """Return a parameter as JSON types."""
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Mapping):
        # repr distinguishes the labels 1 and "1".
        return {repr(_plain(k)): _plain(v) for k, v in sorted(value.items(), key=str)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(value)
