"""The module that an estimator trains: an input layer and a network."""

from torch import Tensor, nn

from sk_fer.modules._input import InputLayer


class FaceModule(nn.Module):
    """A module that maps stored images to logits.

    The two parts are separate so that training can augment the output of the first.

    Parameters
    ----------
    prepare : InputLayer
        The layer that maps stored images to normalized floats.
    network : torch.nn.Module
        The network that maps normalized floats of shape (n, channels, height, width) to logits
        of shape (n, n_classes).
    """

    def __init__(self, prepare: InputLayer, network: nn.Module) -> None:
        super().__init__()
        self.prepare = prepare
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (n, n_classes), of images (n, height, width, channels)."""
        return self.network(self.prepare(images))
