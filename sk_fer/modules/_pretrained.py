"""A backbone with a new head."""

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn

from sk_fer.modules._backbones import build_backbone, feature_shapes, last_stage
from sk_fer.modules._blocks import linear_head
from sk_fer.modules._dropout import SeededDropout
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d

CONVOLUTION_FILTERS = 256


class PretrainedNetwork(nn.Module):
    """A backbone of timm or of sk_fer, with a head for other classes.

    :meth:`train_only` changes at any time which part is trained.

    Parameters
    ----------
    input_shape : tuple of (channels, height, width)
        The shape of one prepared image.
    n_classes : int
        The number of logits.
    backbone : str
        The name of a classification model of timm, or "fast" or "accurate".
    head : {"linear", "conv", "none"}, default="linear"
        The head. "linear" is dropout and a linear layer on the pooled features of the
        backbone. "conv" is a convolution, max-pool, batch normalization, dropout and a linear
        layer on its feature map. "none" returns the pooled features.
    stem : {"full", "no_pool", "no_stride"}, default="full"
        The stem of the backbone. "no_pool" leaves out its first max-pool and "no_stride" its
        first stride.
    dropout : float in [0, 1), default=0.0
        The share of the values that are dropped in the head in training.

    Examples
    --------
    >>> from sk_fer.modules import PretrainedNetwork
    >>> network = PretrainedNetwork((1, 48, 48), 7, backbone="fast", head="conv")
    >>> network.feature_shape, network.n_features
    ((256, 3, 3), 256)
    """

    min_size = 1
    any_size = False

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str,
        head: str = "linear",
        stem: str = "full",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.name, self.stem = backbone, stem
        self.backbone: Any = build_backbone(backbone, input_shape[0], input_shape[1:], stem)
        self.n_features, self.feature_shape = feature_shapes(self.backbone, backbone, input_shape)
        self.head = _HEADS[head](self, n_classes, dropout)
        self.takes_map = head == "conv"
        self.train_only("all")

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (n, n_classes), of prepared images."""
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Return the input of the head.

        Parameters
        ----------
        x : Tensor of shape (n, channels, height, width)
            The prepared images.

        Returns
        -------
        Tensor
            The feature map for ``head="conv"``, otherwise the pooled features of shape
            (n, n_features).
        """
        features = self.backbone.forward_features(x)
        return features if self.takes_map else self.pooled(features)

    def pooled(self, features: Tensor) -> Tensor:
        """Return the pooled features of a feature map.

        Parameters
        ----------
        features : Tensor
            The output of ``forward_features`` of the backbone.

        Returns
        -------
        Tensor of shape (n, n_features)
            The pooled features.
        """
        return self.backbone.forward_head(features, pre_logits=True)

    def train_only(self, part: str, *, freeze_batch_norm: bool = False) -> None:
        """Choose the part that is trained.

        Parameters
        ----------
        part : {"head", "last_stage", "all"}
            The part that is trained. The rest has no gradients, and its batch normalization
            and dropout stay in evaluation mode.
        freeze_batch_norm : bool, default=False
            Whether batch normalization keeps its statistics also in trained parts of the
            backbone.
        """
        learning = {"head": [], "all": list(self.backbone.parameters())}.get(part)
        if learning is None:
            learning = last_stage(self.backbone, self.name)
        chosen = {id(parameter) for parameter in learning}
        for parameter in self.backbone.parameters():
            parameter.requires_grad_(id(parameter) in chosen)
        self._still = [
            layer
            for layer in self.backbone.modules()
            if (freeze_batch_norm and isinstance(layer, nn.modules.batchnorm._BatchNorm))
            or _is_frozen(layer)
        ]
        self.train(self.training)

    def train(self, mode: bool = True) -> "PretrainedNetwork":
        """Set the mode of the parts that are trained; the others stay in evaluation mode."""
        super().train(mode)
        for layer in self._still if mode else ():
            layer.train(False)
        return self


def _is_frozen(layer: nn.Module) -> bool:
    learns = [parameter.requires_grad for parameter in layer.parameters()]
    return bool(learns) and not any(learns)  # layers without parameters follow their parent


def _linear_head(network: PretrainedNetwork, n_classes: int, dropout: float) -> nn.Module:
    return linear_head(network.n_features, n_classes, dropout)


def _convolutional_head(network: PretrainedNetwork, n_classes: int, dropout: float) -> nn.Module:
    shape = network.feature_shape
    if len(shape) != 3 or shape[0] != getattr(network.backbone, "num_features", shape[0]):
        raise ValueError(
            f"head='conv' needs a feature map of shape (channels, height, width), but that of "
            f"backbone={network.name!r} has the shape {shape}; expected head='linear'"
        )
    channels, height, width = shape
    if min(height, width) < 2:
        raise ValueError(
            f"head='conv' needs a feature map of at least 2 x 2, but that of backbone="
            f"{network.name!r} is {height} x {width}; set a larger input_size, or another stem"
        )
    return nn.Sequential(
        OrderedDict(
            # Batch normalization removes a bias.
            conv=nn.Conv2d(channels, CONVOLUTION_FILTERS, 3, padding=1, bias=False),
            relu=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            norm=WeightedBatchNorm2d(CONVOLUTION_FILTERS),
            dropout=SeededDropout(dropout),
            flatten=nn.Flatten(),
            linear=nn.Linear(CONVOLUTION_FILTERS * (height // 2) * (width // 2), n_classes),
        )
    )


def _no_head(network: PretrainedNetwork, n_classes: int, dropout: float) -> nn.Module:
    return nn.Identity()


_HEADS = {"linear": _linear_head, "conv": _convolutional_head, "none": _no_head}
