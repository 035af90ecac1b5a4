"""Building of a module from the name of a network and plain values, as in model files."""

from typing import Any

from torch import Tensor

from sk_fer._utils._networks import NETWORKS
from sk_fer.modules._convolution import guard_convolutions
from sk_fer.modules._face_module import FaceModule
from sk_fer.modules._input import InputLayer
from sk_fer.modules._network_class import network_class


def build_module(
    network: str,
    *,
    image_shape: tuple[int, int, int],
    n_classes: int,
    normalize: str = "image",
    options: dict[str, Any] | None = None,
    mean: Tensor | None = None,
    std: Tensor | None = None,
) -> FaceModule:
    """Build a network with its input layer.

    Parameters
    ----------
    network : str
        The name in :data:`sk_fer.estimators.NETWORKS`.
    image_shape : tuple of (height, width, channels)
        The shape of the images.
    n_classes : int
        The number of logits.
    normalize : {"image", "dataset", "none"}, default="image"
        The normalization, as in :class:`InputLayer`.
    options : dict, default=None
        The parameters of the network, for example ``{"dropout": 0.3}``, and ``input_size``, the
        side or (height, width) to which images are resized.
    mean : tensor of shape (channels,), default=None
        The mean of each channel, for ``normalize="dataset"``.
    std : tensor of shape (channels,), default=None
        The standard deviation of each channel, for ``normalize="dataset"``.

    Returns
    -------
    FaceModule
        The module, on the CPU, initialized with torch's global random state.

    Examples
    --------
    >>> from sk_fer.modules import build_module
    >>> module = build_module("vgg", image_shape=(48, 48, 1), n_classes=7)
    >>> sum(p.numel() for p in module.parameters())
    5902151
    """
    kind = network_class(network)
    options = {**NETWORKS[network].options, **(options or {})}
    size = options.pop("input_size", None)
    if size is not None:
        size = (size, size) if isinstance(size, int) else tuple(size)
    prepare = InputLayer(image_shape, normalize, kind.min_size, mean, std, size)
    input_shape = (prepare.channels, *prepare.input_size)
    return FaceModule(prepare, guard_convolutions(kind(input_shape, n_classes, **options)))
