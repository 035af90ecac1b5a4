"""The first layer of every network, from pixels to normalized channels-first floats."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class InputLayer(nn.Module):
    """Cast and normalize a batch of images, and resize it if necessary.

    As a layer, it runs on the device, is saved with the weights, and is the same in training and
    in prediction.

    Parameters
    ----------
    image_shape : tuple of (height, width, channels)
        The shape of the images.
    normalize : {"image", "dataset", "none"}, default="image"
        The normalization. "image" gives each image zero mean and unit variance (a constant
        image becomes zeros), which removes differences in light and contrast. "dataset"
        subtracts `mean` and divides by `std`. "none" only casts to float.
    min_size : int, default=1
        The smallest side. Images with a smaller side are enlarged to it bilinearly.
    mean : tensor of shape (channels,), default=None
        The mean of each channel over the training images, for ``normalize="dataset"``.
    std : tensor of shape (channels,), default=None
        The standard deviation of each channel, for ``normalize="dataset"``.
    input_size : tuple of (height, width), default=None
        The size to which images are resized, with antialiasing if they become smaller. If
        None, images keep their size.
    """

    mean: Tensor
    std: Tensor
    _like_network: Tensor

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        normalize: str = "image",
        min_size: int = 1,
        mean: Tensor | None = None,
        std: Tensor | None = None,
        input_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        height, width, self.channels = image_shape
        self.normalize = normalize
        self.image_size = (height, width)
        height, width = input_size or (height, width)
        self.input_size = (max(height, min_size), max(width, min_size))
        # The type of the network, which .half() and .double() change. It is not in the state dict.
        self.register_buffer("_like_network", torch.empty(0), persistent=False)
        if normalize == "dataset":
            self.register_buffer("mean", torch.zeros(self.channels) if mean is None else mean)
            self.register_buffer("std", torch.ones(self.channels) if std is None else std)

    def forward(self, images: Tensor) -> Tensor:
        """Convert images (n, height, width, channels) to floats ``(n, channels, *input_size)``.

        Raises
        ------
        TypeError
            If the images are not a tensor.
        ValueError
            If the images have another shape.
        """
        if not isinstance(images, Tensor):
            raise TypeError(
                f"the module expects a tensor of images, got {type(images).__name__}; "
                "torch.from_numpy(images) makes a tensor of an array"
            )
        expected = (*self.image_size, self.channels)
        if images.ndim != 4 or tuple(images.shape[1:]) != expected:
            height, width, channels = expected
            hint = ""
            if tuple(images.shape[1:]) == (channels, height, width):
                hint = "; images.permute(0, 2, 3, 1) converts channels first to this shape"
            elif images.shape == expected or images.shape[1:] in (
                (height, width),
                (height * width * channels,),
            ):
                hint = f"; images.reshape(-1, {height}, {width}, {channels}) has that shape"
            raise ValueError(
                f"the module expects images of shape (n, height, width, channels) = "
                f"(n, {height}, {width}, {channels}), got {tuple(images.shape)}{hint}"
            )
        x = images.permute(0, 3, 1, 2).float()
        if self.normalize == "image":
            x = _standardize(x)
        elif self.normalize == "dataset":
            x = (x - self.mean.view(1, -1, 1, 1)) / self.std.view(1, -1, 1, 1)
        if self.input_size != self.image_size:
            smaller = (
                self.input_size[0] < self.image_size[0] or self.input_size[1] < self.image_size[1]
            )
            x = F.interpolate(
                x, size=self.input_size, mode="bilinear", align_corners=False, antialias=smaller
            )
        return x.to(self._like_network.dtype)


def _standardize(x: Tensor) -> Tensor:
    mean = x.mean((1, 2, 3), keepdim=True)
    x = x - mean
    scale = x.square().mean((1, 2, 3), keepdim=True).sqrt()
    # The tiny spread of a constant image comes from rounding and must not be scaled up.
    return x / scale.masked_fill(scale <= 1e-6 * mean.abs(), 1.0)
