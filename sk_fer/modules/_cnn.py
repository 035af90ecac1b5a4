"""The convolutional networks that are trained from scratch.

The attribute ``min_size`` of each is the smallest side for which its pooling layers have an
output, and ``any_size`` says whether it accepts images of other sizes than it was built for.
"""

from collections import OrderedDict

from torch import nn

from sk_fer.modules._blocks import ConvBlock, FeaturesAndHead, linear_head, mean_head
from sk_fer.modules._dropout import SeededDropout
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d


class SequentialCNN(FeaturesAndHead):
    """Three 3x3 convolutions of 32, 64 and 128 filters and two dense layers.

    Every convolution keeps the size ("same" padding) and is followed by ReLU and a max-pool of
    two. Then come a dense layer of 128 units, dropout and the logits.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        The shape of one prepared image.
    n_classes : int
        The number of logits.
    dropout : float in [0, 1), default=0.5
        The share of the 128 dense units that are dropped in training.

    Examples
    --------
    >>> from sk_fer.modules import SequentialCNN
    >>> sum(p.numel() for p in SequentialCNN((1, 48, 48), 7).parameters())
    683527
    """

    min_size = 8
    any_size = False

    def __init__(
        self, input_shape: tuple[int, int, int], n_classes: int, dropout: float = 0.5
    ) -> None:
        super().__init__()
        n_channels, height, width = input_shape
        self.features = nn.Sequential(
            OrderedDict(
                block1=_plain_block(n_channels, 32),
                block2=_plain_block(32, 64),
                block3=_plain_block(64, 128),
                flatten=nn.Flatten(),
                hidden=nn.Linear(128 * (height // 8) * (width // 8), 128),
                relu=nn.ReLU(),
            )
        )
        self.head = linear_head(128, n_classes, dropout)


class VGGStyleCNN(FeaturesAndHead):
    """Eight 3x3 convolutions in four blocks and four dense layers.

    The blocks have 64, 128, 256 and 512 filters. Each consists of two convolutions with ReLU, a
    max-pool of two and dropout. The first convolution has no padding. In the first block, batch
    normalization follows the second convolution only; in the other blocks, it follows both. Then
    come dense layers of 512, 256 and 128 units and the logits. For gray images of 48x48 pixels
    and seven classes, it has 5,905,863 parameters with the statistics of batch normalization, of
    which 5,902,151 are trained.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        The shape of one prepared image.
    n_classes : int
        The number of logits.
    dropout : float in [0, 1), default=0.25
        The share of the values that are dropped in training after each block.

    References
    ----------
    .. [1] Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
       Recognition", ICLR 2015: the blocks of two 3x3 convolutions.

    Examples
    --------
    >>> from sk_fer.modules import VGGStyleCNN
    >>> sum(p.numel() for p in VGGStyleCNN((1, 48, 48), 7).parameters())
    5902151
    """

    min_size = 18
    any_size = False

    def __init__(
        self, input_shape: tuple[int, int, int], n_classes: int, dropout: float = 0.25
    ) -> None:
        super().__init__()
        n_channels, height, width = input_shape
        block1 = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(n_channels, 64, 3),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(64, 64, 3, padding=1),
                relu2=nn.ReLU(),
                norm=WeightedBatchNorm2d(64),
                pool=nn.MaxPool2d(2),
                dropout=SeededDropout(dropout),
            )
        )
        self.features = nn.Sequential(
            OrderedDict(
                block1=block1,
                block2=_vgg_block(64, 128, dropout),
                block3=_vgg_block(128, 256, dropout),
                block4=_vgg_block(256, 512, dropout),
                flatten=nn.Flatten(),
                hidden1=nn.Linear(512 * ((height - 2) // 16) * ((width - 2) // 16), 512),
                relu1=nn.ReLU(),
                hidden2=nn.Linear(512, 256),
                relu2=nn.ReLU(),
                hidden3=nn.Linear(256, 128),
                relu3=nn.ReLU(),
            )
        )
        self.head = nn.Linear(128, n_classes)


class FastCNN(FeaturesAndHead):
    """Seven 3x3 convolutions that train in minutes on a CPU, the default network.

    A convolution of 32 filters is followed by pairs of convolutions of 64, 128 and 256 filters,
    each with batch normalization and ReLU. A max-pool of two directly follows the first
    convolution and the first of each pair, so that the following layers process a quarter of the
    values. Then come the mean of each channel, dropout and the logits.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        The shape of one prepared image.
    n_classes : int
        The number of logits.
    dropout : float in [0, 1), default=0.3
        The share of the last 256 features that are dropped in training.

    Examples
    --------
    >>> from sk_fer.modules import FastCNN
    >>> sum(p.numel() for p in FastCNN((1, 48, 48), 7).parameters())
    1165159
    """

    min_size = 16
    any_size = True

    def __init__(
        self, input_shape: tuple[int, int, int], n_classes: int, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                stem=ConvBlock(input_shape[0], 32, pool=True),
                stage1=nn.Sequential(ConvBlock(32, 64, pool=True), ConvBlock(64, 64)),
                stage2=nn.Sequential(ConvBlock(64, 128, pool=True), ConvBlock(128, 128)),
                stage3=nn.Sequential(ConvBlock(128, 256, pool=True), ConvBlock(256, 256)),
            )
        )
        self.head = mean_head(256, n_classes, dropout)


def _plain_block(n_inputs: int, n_filters: int) -> nn.Sequential:
    conv = nn.Conv2d(n_inputs, n_filters, 3, padding=1)
    return nn.Sequential(OrderedDict(conv=conv, relu=nn.ReLU(), pool=nn.MaxPool2d(2)))


def _vgg_block(n_inputs: int, n_filters: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(n_inputs, n_filters, 3, padding=1),
            relu1=nn.ReLU(),
            norm1=WeightedBatchNorm2d(n_filters),
            conv2=nn.Conv2d(n_filters, n_filters, 3, padding=1),
            relu2=nn.ReLU(),
            norm2=WeightedBatchNorm2d(n_filters),
            pool=nn.MaxPool2d(2),
            dropout=SeededDropout(dropout),
        )
    )
