"""What of a pretrained network learns in which epoch."""

from collections.abc import Mapping
from typing import Any

from skorch.callbacks import Callback


class Thawing(Callback):
    """Have the head of a pretrained network learn, its last stage, or all of it.

    What learns follows from the place in the fit alone, so that a fit that goes on after
    an interruption goes on with the same.

    Parameters
    ----------
    schedule : mapping of int to {"head", "last_stage", "all"}
        What learns from an epoch on, counted from one.
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
        self._part = ""  # a new network has none yet: checkpoints keep names that end in _

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Choose what learns in the epoch."""
        epoch = len(net.history) - self.first_epoch_
        start = max(begin for begin in self.schedule if begin <= epoch)
        if self.schedule[start] != self._part:
            self._part = self.schedule[start]
            net.module_.network.train_only(self._part, freeze_batch_norm=self.freeze_batch_norm)
