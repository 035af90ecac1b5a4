"""The convolutional networks that are trained from scratch.

Each takes the shape of one prepared image and the number of classes and names, in
``min_size``, the smallest side that its poolings leave something of, and in
``any_size`` whether it takes images of other sizes, too.
"""

from torch import nn

from sk_fer.modules._blocks import classify_mean, convolution
from sk_fer.modules._dropout import SeededDropout
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d


class SequentialCNN(nn.Sequential):
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
        n_inputs, height, width = input_shape
        layers: list[nn.Module] = []
        for n_filters in (32, 64, 128):
            layers += [nn.Conv2d(n_inputs, n_filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            n_inputs = n_filters
        super().__init__(
            *layers,
            nn.Flatten(),
            nn.Linear(n_inputs * (height // 8) * (width // 8), 128),
            nn.ReLU(),
            SeededDropout(dropout),
            nn.Linear(128, n_classes),
        )


class VGGStyleCNN(nn.Sequential):
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
        n_inputs, height, width = input_shape
        layers: list[nn.Module] = [
            nn.Conv2d(n_inputs, 64, 3),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            WeightedBatchNorm2d(64),
            nn.MaxPool2d(2),
            SeededDropout(dropout),
        ]
        n_inputs = 64
        for n_filters in (128, 256, 512):
            for _ in range(2):
                layers += [
                    nn.Conv2d(n_inputs, n_filters, 3, padding=1),
                    nn.ReLU(),
                    WeightedBatchNorm2d(n_filters),
                ]
                n_inputs = n_filters
            layers += [nn.MaxPool2d(2), SeededDropout(dropout)]
        layers.append(nn.Flatten())
        n_inputs = 512 * ((height - 2) // 16) * ((width - 2) // 16)
        for n_units in (512, 256, 128):
            layers += [nn.Linear(n_inputs, n_units), nn.ReLU()]
            n_inputs = n_units
        super().__init__(*layers, nn.Linear(n_inputs, n_classes))


class FastCNN(nn.Sequential):
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
        n_inputs = input_shape[0]
        layers: list[nn.Module] = []
        for block in ((32,), (64, 64), (128, 128), (256, 256)):
            for position, n_filters in enumerate(block):
                pool = [nn.MaxPool2d(2)] if position == 0 else []
                layers += convolution(n_inputs, n_filters, *pool)
                n_inputs = n_filters
        super().__init__(*layers, *classify_mean(n_inputs, n_classes, dropout))
