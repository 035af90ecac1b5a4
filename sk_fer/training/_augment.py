"""Random changes of the images in a batch, on the device, drawn for each image."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from sk_fer._utils._choices import CHANGES, find_piece


class Augmentation:
    """Random changes of images: flips, shifts, rotations, scales and erased rectangles.

    Changes that are not in `settings` are off. Pixels from outside the image are zero, which is the
    mean gray after normalization.

    Parameters
    ----------
    settings : mapping of str to float
        The strength of each change. ``CHANGES`` contains their names, the largest strengths and
        what the strengths mean.

    References
    ----------
    .. [1] Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.

    Examples
    --------
    >>> import torch
    >>> from sk_fer.training import Augmentation
    >>> mirror = Augmentation({"flip": 1.0})
    >>> mirror(torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.Generator())
    tensor([[[[3., 2., 1.]]]])
    """

    def __init__(self, settings: Mapping[str, float]) -> None:
        self.flip = float(settings.get("flip", 0.0))
        self.shift = float(settings.get("shift", 0.0))
        self.rotation = math.radians(settings.get("rotation", 0.0))
        self.scale = float(settings.get("scale", 0.0))
        self.changes = [
            (find_piece(change.piece), float(settings[name]))
            for name, change in CHANGES.items()
            if change.piece is not None and settings.get(name)
        ]

    def __bool__(self) -> bool:
        """Return whether anything is changed."""
        return any((self.flip, self.shift, self.rotation, self.scale, self.changes))

    def __call__(
        self, x: Tensor, generator: torch.Generator, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Change normalized images.

        Parameters
        ----------
        x : Tensor of shape (n_samples, channels, height, width)
            The images. They are not changed.
        generator : torch.Generator on the CPU
            The source of the random numbers, which are the same on every device.
        size : tuple of (height, width), default=None
            The size of the returned images. If None, it is the size of the input.

        Returns
        -------
        Tensor of shape (n_samples, channels, *size)
            The changed images.
        """
        size = size or (x.shape[2], x.shape[3])
        if self.shift or self.rotation or self.scale or size != x.shape[2:]:
            x = self._warp(x, size, generator)
        elif self.flip:
            x = torch.where(self._flipped(x, generator).view(-1, 1, 1, 1), x.flip(3), x)
        for apply, strength in self.changes:
            x = apply(x, strength, generator)
        return x

    def _flipped(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return _draws(1, x, generator)[0] < self.flip

    def _warp(self, x: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Sample each image once, with its own flip, rotation, scale and shift."""
        n, channels, height, width = x.shape
        flipped = self._flipped(x, generator)
        draws = _draws(4, x, generator) * 2 - 1
        angle = draws[0] * self.rotation
        scale = 1 / (1 + draws[1] * self.scale)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        mirror = torch.where(flipped, -1.0, 1.0)
        # Grid coordinates are between -1 and 1 on both axes, for any aspect ratio.
        ratio = height / width
        theta = torch.stack(
            [
                torch.stack([cos * mirror, -sin * ratio, draws[2] * 2 * self.shift], 1),
                torch.stack([sin * mirror / ratio, cos, draws[3] * 2 * self.shift], 1),
            ],
            1,
        )
        grid = F.affine_grid(theta, [n, channels, *size], align_corners=False)
        return F.grid_sample(x, grid, mode="bilinear", align_corners=False)


def erase(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Set a rectangle of 2 to 20 % of some images to zero.

    Parameters
    ----------
    x : Tensor of shape (n_samples, channels, height, width)
        The normalized images. They are not changed.
    probability : float in [0, 1]
        The probability for each image.
    generator : torch.Generator on the CPU
        The source of the random numbers.

    Returns
    -------
    Tensor of shape (n_samples, channels, height, width)
        The images.
    """
    n, _, height, width = x.shape
    draws = _draws(5, x, generator)
    area = 0.02 + 0.18 * draws[0]
    aspect = torch.exp((2 * draws[1] - 1) * math.log(3.0))
    tall, wide = (area * aspect).sqrt().clamp_max(1), (area / aspect).sqrt().clamp_max(1)
    inside_rows = _within(height, draws[2] * (1 - tall), tall)
    inside_columns = _within(width, draws[3] * (1 - wide), wide)
    chosen = (draws[4] < probability).view(-1, 1, 1, 1)
    erased = chosen & inside_rows.view(n, 1, height, 1) & inside_columns.view(n, 1, 1, width)
    return x.masked_fill(erased, 0.0)


def _draws(n_draws: int, x: Tensor, generator: torch.Generator) -> Tensor:
    """Return numbers in [0, 1) for each image of a batch, on its device."""
    draws = torch.rand(n_draws, len(x), generator=generator)
    # A copy from memory that is not pinned would wait until the GPU has finished.
    return (draws.pin_memory() if x.is_cuda else draws).to(x.device, non_blocking=True)


def _within(side: int, start: Tensor, length: Tensor) -> Tensor:
    """Return which of `side` pixel centres are in [start, start + length), in shares of it."""
    centres = (torch.arange(side, device=start.device) + 0.5) / side
    return (centres >= start[:, None]) & (centres < (start + length)[:, None])
