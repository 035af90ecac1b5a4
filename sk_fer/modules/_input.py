"""The first layer of every network: stored pixels in, normalized channels-first floats out."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class InputLayer(nn.Module):
    """Cast, normalize and, where a network needs it, enlarge a batch of images.

    Being a layer, it runs on the device, is saved with the weights and is the same in
    training and in prediction.

    Parameters
    ----------
    image_shape : tuple of (height, width, channels)
        Shape of the stored images.
    normalize : {"image", "dataset", "none"}
        "image" gives each image zero mean and unit variance (a constant image becomes
        zeros), which takes light and contrast out; "dataset" subtracts `mean` and
        divides by `std` of each channel over the training images; "none" only casts.
    min_size : int, default=1
        Images with a smaller side are enlarged to it, bilinearly.
    size : tuple of (height, width), optional
        Images are resized to it, whatever their size; what is made smaller is smoothed
        first. None: the stored size.
    mean, std : tensor of shape (channels,), optional
        Statistics for ``normalize="dataset"``.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        normalize: str = "image",
        min_size: int = 1,
        mean: Tensor | None = None,
        std: Tensor | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        height, width, self.channels = image_shape
        self.normalize = normalize
        self.stored_size = (height, width)
        height, width = size or (height, width)
        self.size = (max(height, min_size), max(width, min_size))
        if normalize == "dataset":
            self.register_buffer("mean", torch.zeros(self.channels) if mean is None else mean)
            self.register_buffer("std", torch.ones(self.channels) if std is None else std)

    def forward(self, images: Tensor) -> Tensor:
        """Turn (n, height, width, channels) of any type into (n, channels, *size) floats."""
        x = images.permute(0, 3, 1, 2).float()
        if self.normalize == "image":
            x = _standardize(x)
        elif self.normalize == "dataset":
            x = (x - self.mean.view(1, -1, 1, 1)) / self.std.view(1, -1, 1, 1)
        if self.size != self.stored_size:
            smaller = self.size[0] < self.stored_size[0] or self.size[1] < self.stored_size[1]
            x = F.interpolate(
                x, size=self.size, mode="bilinear", align_corners=False, antialias=smaller
            )
        return x


def _standardize(x: Tensor) -> Tensor:
    mean = x.mean((1, 2, 3), keepdim=True)
    x = x - mean
    scale = x.square().mean((1, 2, 3), keepdim=True).sqrt()
    # Rounding leaves a constant image with a tiny spread that must not be blown up.
    return x / scale.masked_fill(scale <= 1e-6 * mean.abs(), 1.0)
