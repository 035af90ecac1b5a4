"""The convolutional network that is made for a GPU."""

from torch import Tensor, nn

from sk_fer.modules._blocks import classify_mean, convolution


class AccurateCNN(nn.Sequential):
    """Ten 3x3 convolutions with residual connections, made for a GPU.

    A convolution of 64 filters at full size; then for 128, 256 and 512 filters one with a
    max-pool of two and a residual block of two more; each with batch normalization and
    ReLU. The mean over what is left of the picture, dropout, and the logits.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        Shape of one prepared image.
    n_classes : int
        Number of logits.
    dropout : float in [0, 1), default=0.4
        Share of the 512 last features dropped in training.

    References
    ----------
    .. [1] He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    .. [2] Page, "How to Train Your ResNet", 2018: shallow, wide and residual.

    Examples
    --------
    >>> from sk_fer.modules import AccurateCNN
    >>> sum(p.numel() for p in AccurateCNN((1, 48, 48), 7).parameters())
    7751111
    """

    min_size = 8
    any_size = True

    def __init__(
        self, input_shape: tuple[int, int, int], n_classes: int, dropout: float = 0.4
    ) -> None:
        n_inputs = input_shape[0]
        layers = convolution(n_inputs, 64)
        n_inputs = 64
        for n_filters in (128, 256, 512):
            layers += convolution(n_inputs, n_filters, nn.MaxPool2d(2))
            layers.append(
                Residual(*convolution(n_filters, n_filters), *convolution(n_filters, n_filters))
            )
            n_inputs = n_filters
        super().__init__(*layers, *classify_mean(n_inputs, n_classes, dropout))


class Residual(nn.Module):
    """What layers make of their input, added to it.

    Parameters
    ----------
    *layers : torch.nn.Module
        Run one after another; they keep the shape.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` plus what the layers make of it."""
        return x + self.layers(x)
