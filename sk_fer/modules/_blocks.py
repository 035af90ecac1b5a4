"""What the convolutional networks of sk_fer are made of."""

from torch import nn

from sk_fer.modules._dropout import SeededDropout
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d


def convolution(n_inputs: int, n_filters: int, *pool: nn.Module) -> list[nn.Module]:
    """Return a 3x3 convolution, a pooling where given, batch normalization and ReLU.

    A pooling comes before the normalization, so that a quarter is left to normalize.
    """
    return [
        # A bias would be taken out again by the batch normalization.
        nn.Conv2d(n_inputs, n_filters, 3, padding=1, bias=False),
        *pool,
        WeightedBatchNorm2d(n_filters),
        nn.ReLU(inplace=True),
    ]


def classify_mean(n_features: int, n_classes: int, dropout: float) -> list[nn.Module]:
    """Return the layers from a feature map to logits: its mean, dropout, a linear layer."""
    return [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        SeededDropout(dropout),
        nn.Linear(n_features, n_classes),
    ]


N_CLASSIFYING = 4
"""Layers of :func:`classify_mean`."""
