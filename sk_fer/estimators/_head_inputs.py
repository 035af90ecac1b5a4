"""Extracts the features of images once, if only the head is trained."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sk_fer.training import FaceDataset, FERNet

# If the features take more memory, they are not kept, and the backbone runs in each epoch.
FEATURE_BYTES = 2 * 2**30


def inputs_of_the_head(
    net: FERNet, train: FaceDataset, valid: FaceDataset | None
) -> tuple[FaceDataset, FaceDataset | None]:
    """Return the features of the backbone instead of the images.

    Parameters
    ----------
    net : FERNet
        The net. Only its head is trained.
    train : FaceDataset
        The training images.
    valid : FaceDataset or None
        The validation images.

    Returns
    -------
    train, valid : FaceDataset
        The features, or the images if the features take more than 2 GiB.

    Warns
    -----
    UserWarning
        If the features take more than 2 GiB.
    """
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
    train = train.with_features(net.features(train, "features"))
    if valid is not None:
        valid = valid.with_features(net.features(valid, "features"))
    return train, valid
