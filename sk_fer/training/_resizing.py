"""Training on smaller images at first, which takes a fraction of the time."""

import math
from typing import Any

# Shares of the side in the four quarters of a fit. A side of 48 becomes 24, 32, 40 and 48.
SHARES = (1 / 2, 2 / 3, 5 / 6, 1)
MULTIPLE = 8  # the side is a multiple, so that it can be pooled without a remainder


class ProgressiveResizing:
    """The size of the training images in each epoch: smaller at first, whole in the last quarter.

    The size depends only on the position in the fit, so that a fit continues with the same sizes
    after an interruption.

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

    def image_size(self, module: Any, epoch: int) -> tuple[int, int] | None:
        """Return the size of the images of an epoch.

        Parameters
        ----------
        module : FaceModule
            The module that is trained.
        epoch : int
            The number of the epoch in the fit, counted from one.

        Returns
        -------
        tuple of (height, width) or None
            The size, or None for networks that do not accept images of any size (``any_size``).
        """
        network = module.network
        if not network.any_size:
            return None
        share = SHARES[math.ceil(len(SHARES) * epoch / self.n_epochs) - 1]
        height, width = module.prepare.input_size
        return _part(height, share, network.min_size), _part(width, share, network.min_size)


def _part(side: int, share: float, smallest: int) -> int:
    """Return a share of a side, rounded to a multiple of eight unless it is the whole side."""
    if share == 1:
        return side
    return min(side, max(smallest, MULTIPLE * round(share * side / MULTIPLE)))
