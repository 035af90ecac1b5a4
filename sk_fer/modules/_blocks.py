"""The parts that the networks of sk_fer consist of."""

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn

from sk_fer.modules._dropout import SeededDropout
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d


class FeaturesAndHead(nn.Module):
    """A network of two parts, `features` and `head`, which a subclass sets."""

    features: nn.Module
    head: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (n, n_classes), of prepared images."""
        return self.head(self.features(x))


class ConvBlock(nn.Sequential):
    """A 3x3 convolution, an optional max-pool, batch normalization and ReLU.

    The pooling comes before the normalization, so that a quarter of the values is left to
    normalize.

    Parameters
    ----------
    n_inputs : int
        Number of input channels.
    n_filters : int
        Number of output channels.
    pool : bool, default=False
        Whether a max-pool of two halves the sides.
    """

    def __init__(self, n_inputs: int, n_filters: int, *, pool: bool = False) -> None:
        # The batch normalization would remove a bias.
        conv = nn.Conv2d(n_inputs, n_filters, 3, padding=1, bias=False)
        layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv)
        if pool:
            layers["pool"] = nn.MaxPool2d(2)
        layers["norm"] = WeightedBatchNorm2d(n_filters)
        layers["relu"] = nn.ReLU(inplace=True)
        super().__init__(layers)


class Residual(nn.Module):
    """The sum of an input and of the output of layers that keep its shape.

    Parameters
    ----------
    *layers : torch.nn.Module
        The layers, which run one after the other.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of ``x`` and of the output of the layers."""
        return x + self.layers(x)


def linear_head(
    n_features: int, n_classes: int, dropout: float, *before: tuple[str, Any]
) -> nn.Sequential:
    """Return dropout and a linear layer, after other named layers where given."""
    dropped, linear = SeededDropout(dropout), nn.Linear(n_features, n_classes)
    return nn.Sequential(OrderedDict([*before, ("dropout", dropped), ("linear", linear)]))


def mean_head(n_features: int, n_classes: int, dropout: float) -> nn.Sequential:
    """Return a :func:`linear_head` on the mean of each channel of a feature map."""
    mean = ("mean", nn.AdaptiveAvgPool2d(1))
    return linear_head(n_features, n_classes, dropout, mean, ("flatten", nn.Flatten()))
