"""The network of dense layers only."""

from collections.abc import Sequence
from math import prod

from torch import nn

from sk_fer.modules._blocks import FeaturesAndHead
from sk_fer.modules._dropout import SeededDropout

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class DenseNetwork(FeaturesAndHead):
    """Dense layers, with an activation and dropout after each, on flattened images.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        The shape of one prepared image.
    n_classes : int
        The number of logits.
    hidden_layer_sizes : sequence of int, default=(512, 256, 128)
        The number of units of each hidden layer.
    activation : str, default="relu"
        The activation, one of ``ACTIVATIONS``.
    dropout : float in [0, 1), default=0.0
        The share of the units that are dropped in training after each hidden layer.

    Examples
    --------
    >>> from sk_fer.modules import DenseNetwork
    >>> sum(p.numel() for p in DenseNetwork((1, 48, 48), 7).parameters())
    1345287
    """

    min_size = 1
    any_size = False

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        n_classes: int,
        hidden_layer_sizes: Sequence[int] = (512, 256, 128),
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        layers: list[nn.Module] = [nn.Flatten()]
        n_inputs = prod(input_shape)
        for n_units in hidden_layer_sizes:
            layers += [
                nn.Linear(n_inputs, n_units),
                ACTIVATIONS[activation](),
                SeededDropout(dropout),
            ]
            n_inputs = n_units
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(n_inputs, n_classes)
