"""The convolutional networks that are trained from scratch.

Each takes the shape of one prepared image and the number of classes and names, in
``min_size``, the smallest side that its poolings leave something of, and in
``any_size`` whether it takes images of other sizes, too.
"""

from collections import OrderedDict

from torch import nn

from sk_fer.modules._blocks import ConvBlock, FeaturesAndHead, linear_head, mean_head
from sk_fer.modules._dropout import SeededDropout
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d


class SequentialCNN(FeaturesAndHead):
    """Three 3x3 convolutions of 32, 64 and 128 filters and two dense layers.

    Every convolution keeps the size ("same" padding) and is followed by ReLU and a
    max-pool of two; then a dense layer of 128 units, dropout and the logits.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        Shape of one prepared image.
    n_classes : int
        Number of logits.
    dropout : float in [0, 1), default=0.5
        Share of the 128 dense units dropped in training.

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

    Blocks of 64, 128, 256 and 512 filters, each of two convolutions with ReLU, a
    max-pool of two and dropout. The very first convolution has no padding; in the
    first block batch normalization follows the second convolution only, in the others
    both. Flatten, dense 512, 256 and 128, the logits. On 48x48 gray images and seven
    classes: 5,905,863 parameters with the batch-norm statistics, 5,902,151 trainable.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        Shape of one prepared image.
    n_classes : int
        Number of logits.
    dropout : float in [0, 1), default=0.25
        Share dropped after each block.

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
    """The default: seven 3x3 convolutions, made for minutes on a CPU.

    A convolution of 32 filters, then pairs of 64, 128 and 256, each with batch
    normalization and ReLU, and a max-pool of two in the first and in each pair, right
    after its first convolution, so that a quarter is left to normalize and to convolve.
    The mean over what is left of the picture, dropout, and the logits.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        Shape of one prepared image.
    n_classes : int
        Number of logits.
    dropout : float in [0, 1), default=0.3
        Share of the 256 last features dropped in training.

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
