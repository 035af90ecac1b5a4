"""The training of some parts of a pretrained network."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sk_fer.estimators._backbone_parameters import resolve_trainable

if TYPE_CHECKING:
    from sk_fer.training import FaceDataset, FERNet, Unfreezing

# Statistics of fewer images are no better than those that came with the weights.
FEW_IMAGES = 2000
# If the features take more memory, they are not kept, and the backbone runs in each epoch.
FEATURE_BYTES = 2 * 2**30


def unfreezing(parameters: Mapping[str, Any], module: Any, n_images: int) -> Unfreezing:
    """Return the callback that trains the parts of a network that `trainable` selects.

    Parameters
    ----------
    parameters : mapping of str to object
        The parameters of the classifier.
    module : FaceModule
        The module.
    n_images : int
        The number of training images.

    Returns
    -------
    Unfreezing
        The callback.

    Raises
    ------
    ValueError
        If the network has no such part.
    """
    from sk_fer.training import Unfreezing

    schedule = resolve_trainable(parameters["trainable"])
    for part in schedule.values():
        module.network.train_only(part)  # raises an error now, not in a later epoch
    freeze = parameters["freeze_batch_norm"]
    if freeze == "auto":
        freeze = parameters["weights"] is not None and n_images < FEW_IMAGES
    return Unfreezing(schedule, bool(freeze))


def head_inputs(
    net: FERNet, trainable: Any, train: FaceDataset, valid: FaceDataset | None
) -> tuple[FaceDataset, FaceDataset | None]:
    """Extract the inputs of a head that is trained alone on images that do not change.

    The backbone then runs once over the images, not in each epoch.

    Parameters
    ----------
    net : FERNet
        The net.
    trainable : {"head", "last_stage", "all"} or mapping of int to one of these
        The parameter.
    train : FaceDataset
        The training images.
    valid : FaceDataset or None
        The validation images.

    Returns
    -------
    train, valid : FaceDataset
        The features instead of the images, or the images if more than the head is trained, if
        the images are augmented, or if the features take more than 2 GiB.

    Warns
    -----
    UserWarning
        If the features take more than 2 GiB.
    """
    if net.augmentation or set(resolve_trainable(trainable).values()) != {"head"}:
        return train, valid
    network: Any = net.module_.network
    shape = network.feature_shape if network.takes_map else (network.n_features,)
    n_images = len(train) + (0 if valid is None else len(valid))
    n_bytes = 4 * int(np.prod(shape)) * n_images
    if n_bytes > FEATURE_BYTES:
        warnings.warn(
            f"the backbone runs in each epoch, because the features of {n_images} images need "
            f"{n_bytes / 2**30:.1f} GiB and at most {FEATURE_BYTES / 2**30:.0f} GiB are kept; "
            "a smaller input_size or head='linear' needs less memory",
            stacklevel=5,
        )
        return train, valid
    train = train.with_features(net.features(train, pooled=False))
    if valid is not None:
        valid = valid.with_features(net.features(valid, pooled=False))
    return train, valid
