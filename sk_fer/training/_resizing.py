"""Training on smaller images at first, which takes a fraction of the time."""

import math
from typing import Any

from skorch.callbacks import Callback

# Shares of the side in the four quarters of a fit. A side of 48 becomes 24, 32, 40 and 48.
SHARES = (1 / 2, 2 / 3, 5 / 6, 1)
MULTIPLE = 8  # the side is a multiple, so that it can be pooled without a remainder


class ProgressiveResizing(Callback):
    """Train on smaller images at first, and on whole ones in the last quarter of the epochs.

    Networks that do not accept images of any size (``any_size``) are trained on whole images.
    Validation always uses whole images. The size depends only on the position in the fit, so
    that a fit continues with the same sizes after an interruption.

    Parameters
    ----------
    n_epochs : int
        The number of epochs of the whole fit.

    References
    ----------
    .. [1] Karras et al., "Progressive Growing of GANs for Improved Quality, Stability,
       and Variation", ICLR 2018: growing images.
    .. [2] Tan & Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021:
       in the training of a classifier.
    """

    def __init__(self, n_epochs: int) -> None:
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Remember where this fit starts in the history of the net."""
        self.first_epoch_ = len(net.history)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the size of the images of the epoch."""
        network = net.module_.network
        if network.any_size:
            epoch = len(net.history) - self.first_epoch_
            share = SHARES[math.ceil(len(SHARES) * epoch / self.n_epochs) - 1]
            height, width = net.module_.prepare.size
            smallest = network.min_size
            net.augmentation.size = _part(height, share, smallest), _part(width, share, smallest)


def _part(side: int, share: float, smallest: int) -> int:
    """Return a share of a side, rounded to a multiple of eight unless it is the whole side."""
    if share == 1:
        return side
    return min(side, max(smallest, MULTIPLE * round(share * side / MULTIPLE)))
