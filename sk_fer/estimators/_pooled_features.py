"""The pooled features of the backbone of an estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from sk_fer.training import FaceDataset, FERNet


class PooledFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Mixin that returns the pooled features of the network of an estimator."""

    net_: FERNet
    _new_dataset: Callable[[ArrayLike], FaceDataset]

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the pooled features of the backbone.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_backbone_features)
            The features.
        """
        images = self._new_dataset(X)
        return self.net_.features(images, pooled=True)

    @property
    def _n_features_out(self) -> int:
        network: Any = self.net_.module_.network
        return network.n_features

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
