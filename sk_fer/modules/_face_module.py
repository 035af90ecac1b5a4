"""An input layer and a network: what an estimator trains."""

from torch import Tensor, nn

from sk_fer.modules._input import InputLayer


class FaceModule(nn.Module):
    """A network from stored images to logits.

    The two parts are kept apart so that training can augment what lies between them.

    Parameters
    ----------
    prepare : InputLayer
        From stored images to normalized floats.
    network : torch.nn.Module
        From normalized floats (n, channels, height, width) to logits (n, n_classes).
    """

    def __init__(self, prepare: InputLayer, network: nn.Module) -> None:
        super().__init__()
        self.prepare = prepare
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (n, n_classes), of images (n, height, width, channels)."""
        return self.network(self.prepare(images))
