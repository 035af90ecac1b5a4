"""What a backbone that stays as it is makes of images, once for each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from sk_fer._utils._backbone_names import OWN_BACKBONES

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from sk_fer.training import FaceDataset, FERNet


class BackboneTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Gives the pooled features of the network of an estimator."""

    memory: Any
    net_: FERNet
    _check_new_images: Callable[[ArrayLike], NDArray]

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the backbone's pooled features.

        Parameters
        ----------
        X : array-like
            Images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_backbone_features)
        """
        from sk_fer.training import FaceDataset

        dataset = FaceDataset(self._check_new_images(X))
        return backbone_features(self.net_, dataset, "pooled", self._folder())

    def _folder(self) -> Path | None:
        """Return where features of the backbone, as it is now, are kept."""
        from sk_fer.training import store_folder

        return store_folder(self.memory)

    @property
    def _n_features_out(self) -> int:
        network: Any = self.net_.module_.network
        return network.n_features

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def backbone_features(
    net: FERNet, dataset: FaceDataset, kind: str, folder: Path | None
) -> NDArray[np.float32]:
    """Return the features of images, from a store where there is one.

    Parameters
    ----------
    net : FERNet
        Over a ``PretrainedNetwork``.
    dataset : FaceDataset
        The images.
    kind : {"features", "pooled"}
        As for ``FERNet.features``.
    folder : Path or None
        Where features are kept.

    Returns
    -------
    ndarray of shape (n_samples, ...)
    """
    from sk_fer.training import FaceDataset, FeatureStore

    network: Any = net.module_.network
    if not network.takes_map:
        kind = "pooled"  # the head takes the same as others
    if folder is None:
        return net.features(dataset, kind)
    images = dataset.X if dataset.rows is None else dataset.X[dataset.rows]
    return FeatureStore(folder, _key(net, kind)).features(
        images, lambda rows: net.features(FaceDataset(images, rows=rows), kind)
    )


def _key(net: FERNet, kind: str) -> str:
    """Return a checksum of all that decides what the features of an image are."""
    from sk_fer import __version__
    from sk_fer.modules._timm import import_timm

    network: Any = net.module_.network
    prepare = net.module_.prepare
    state = {
        **prepare.state_dict(keep_vars=True),
        **network.backbone.state_dict(keep_vars=True),
    }
    version = [(id(tensor), tensor._version) for tensor in state.values()]
    keys: dict[str, str]
    known_version, keys = getattr(net, "feature_keys_", (None, {}))
    if version != known_version:
        keys = {}
        net.feature_keys_ = version, keys
    if kind not in keys:
        # What timm makes of a name is not in the weights, nor is what sk_fer makes of it.
        timm = None if network.name in OWN_BACKBONES else import_timm().__version__
        form = (kind, network.name, network.stem, timm, __version__)
        images = (prepare.normalize, prepare.stored_size, prepare.size)
        arithmetic = (str(net.precision), str(net.device))
        total = hashlib.sha256(repr((form, images, arithmetic)).encode())
        for name, tensor in state.items():
            total.update(name.encode())
            total.update(tensor.detach().cpu().contiguous().numpy().data)
        keys[kind] = total.hexdigest()[:32]
    return keys[kind]
