"""skorch's scoring callbacks receive the labels that were passed to ``fit``."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skorch.callbacks.scoring import ScoringBase
from skorch.dataset import Dataset
from skorch.utils import to_numpy

from sk_fer.training._dataset import FaceDataset


class LabelExtractor:
    """A `target_extractor` that converts encoded targets to labels.

    Parameters
    ----------
    extract : callable
        The `target_extractor` of the callback.
    classes : ndarray of shape (n_classes,)
        The labels, in the order of their codes.
    """

    def __init__(self, extract: Callable[[Any], Any], classes: NDArray) -> None:
        self.extract = extract
        self.classes = classes

    def __call__(self, y: Any) -> Any:
        """Return labels. For soft targets, it is the label of the largest share."""
        target = self.extract(y)
        if not isinstance(target, np.ndarray):
            return target
        if self.extract is to_numpy and target.ndim == 2:
            target = target.argmax(axis=1)
        # The extractor of a user may have converted soft targets to other values than codes.
        is_codes = target.ndim == 1 and np.issubdtype(target.dtype, np.integer)
        if not is_codes:
            return target
        if (target < 0).any():  # validation images of a class that is not trained on
            is_text = self.classes.dtype.kind not in "biuf"
            unseen = "(not in y)" if is_text else self.classes.min().item() - 1
            return np.append(self.classes, unseen)[target]  # -1 is the last one
        return self.classes[target]


def notify_scoring(callback: ScoringBase, method_name: str, net: Any, **kwargs: Any) -> None:
    """Call a method of a scoring callback with labels as targets.

    Parameters
    ----------
    callback : skorch.callbacks.scoring.ScoringBase
        The callback.
    method_name : str
        ``"on_epoch_end"`` and so on.
    net : FERNet
        The net that is trained.
    **kwargs
        The arguments of the method.
    """
    caching = callback.use_caching if net.use_caching == "auto" else net.use_caching
    if not caching:
        kwargs = {name: _with_targets(value) for name, value in kwargs.items()}
    extract = callback.target_extractor
    callback.target_extractor = LabelExtractor(extract, net.classes_)
    try:
        getattr(callback, method_name)(net, **kwargs)
    finally:
        callback.target_extractor = extract


def _with_targets(value: Any) -> Any:
    """Return a data set in a form in which skorch finds the targets."""
    if not isinstance(value, FaceDataset) or value.y is None:
        return value
    return Dataset(value, value.y, length=len(value))
