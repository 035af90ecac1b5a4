"""The larger convolutional network."""

from collections import OrderedDict

from torch import nn

from sk_fer.modules._blocks import ConvBlock, FeaturesAndHead, Residual, mean_head


class AccurateCNN(FeaturesAndHead):
    """Ten 3x3 convolutions with residual connections, for a GPU or a long fit on a CPU.

    A convolution of 64 filters with a max-pool of two is followed, for 128, 256 and 512 filters,
    by a convolution with a max-pool of two and a residual block of two more convolutions. Each has
    batch normalization and ReLU. Then come the mean of each channel, dropout and the logits.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        The shape of one prepared image.
    n_classes : int
        The number of logits.
    dropout : float in [0, 1), default=0.4
        The share of the last 512 features that are dropped in training.

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

    min_size = 16
    any_size = True

    def __init__(
        self, input_shape: tuple[int, int, int], n_classes: int, dropout: float = 0.4
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                stem=ConvBlock(input_shape[0], 64, pool=True),
                stage1=_stage(64, 128),
                stage2=_stage(128, 256),
                stage3=_stage(256, 512),
            )
        )
        self.head = mean_head(512, n_classes, dropout)


def _stage(n_inputs: int, n_filters: int) -> nn.Sequential:
    down = ConvBlock(n_inputs, n_filters, pool=True)
    residual = Residual(ConvBlock(n_filters, n_filters), ConvBlock(n_filters, n_filters))
    return nn.Sequential(OrderedDict(down=down, residual=residual))
