"""Gradual unfreezing of a pretrained network."""

from collections.abc import Mapping
from typing import Any

from skorch.callbacks import Callback


class Unfreezing(Callback):
    """Change the trained part of a pretrained network in a fit: head, last stage or all layers.

    The part depends only on the position in the fit, so that a fit continues with the same part
    after an interruption.

    Parameters
    ----------
    schedule : mapping of int to {"head", "last_stage", "all"}
        The part that is trained from each epoch on. Epochs are counted from one.
    freeze_batch_norm : bool
        Whether the batch normalization of the backbone keeps its statistics.

    References
    ----------
    .. [1] Howard & Ruder, "Universal Language Model Fine-tuning for Text Classification",
       ACL 2018: gradual unfreezing.
    """

    def __init__(self, schedule: Mapping[int, str], freeze_batch_norm: bool) -> None:
        self.schedule = schedule
        self.freeze_batch_norm = freeze_batch_norm

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Remember where this fit starts in the history of the net."""
        self.first_epoch_ = len(net.history)
        self._part = ""  # not in checkpoints, whose attributes end with an underscore

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Choose the part that is trained in the epoch."""
        epoch = len(net.history) - self.first_epoch_
        start = max(begin for begin in self.schedule if begin <= epoch)
        if self.schedule[start] != self._part:
            self._part = self.schedule[start]
            net.module_.network.train_only(self._part, freeze_batch_norm=self.freeze_batch_norm)
