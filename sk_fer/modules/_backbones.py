"""Networks of timm and of sk_fer without their last layer."""

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from sk_fer._utils._networks import OWN_BACKBONES
from sk_fer.modules._network_class import network_class
from sk_fer.modules._timm import import_timm, known_backbone
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d, WeightedBatchNormAct2d


class OwnBackbone(nn.Sequential):
    """The `features` of a network of sk_fer, with the interface of timm's models.

    Parameters
    ----------
    name : str
        The name of the network.
    network : FeaturesAndHead
        The network. The backbone has its layers, under the same names.
    """

    def __init__(self, name: str, network: Any) -> None:
        stages = dict(network.features.named_children())
        super().__init__(OrderedDict(stages))
        self.pretrained_cfg = {"architecture": name, "first_conv": "stem.conv"}
        self.num_features = network.head.linear.in_features
        self.feature_info = [{"module": stage} for stage in stages]

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the feature map, (n, channels, height, width)."""
        return self(x)

    def forward_head(self, x: Tensor, pre_logits: bool = True) -> Tensor:
        """Return the mean of each channel, (n, channels)."""
        return x.mean((2, 3))


def build_backbone(
    name: str, n_channels: int, input_size: tuple[int, int], stem: str = "full"
) -> nn.Module:
    """Build a backbone with random weights.

    Parameters
    ----------
    name : str
        The name of a classification model of timm, or "fast" or "accurate".
    n_channels : int
        The number of channels of the images.
    input_size : tuple of (height, width)
        The size of the images, for networks that accept one size only.
    stem : {"full", "no_pool", "no_stride"}, default="full"
        The first layers. "no_pool" removes the max-pool after the first convolution, and
        "no_stride" the stride of the first convolution. Both double the size of all feature maps.

    Returns
    -------
    torch.nn.Module
        The backbone, without a classifier. It has ``forward_features``, ``forward_head``,
        ``feature_info`` and ``pretrained_cfg`` like timm's models.

    Raises
    ------
    ImportError
        If timm is not installed.
    ValueError
        If there is no such model, or the stem cannot be changed.
    """
    known_backbone(name)
    if name in OWN_BACKBONES:
        backbone: nn.Module = OwnBackbone(name, network_class(name)((n_channels, *input_size), 2))
    else:
        settings: dict[str, Any] = {"num_classes": 0, "in_chans": n_channels}
        timm = import_timm()
        try:
            backbone = timm.create_model(name, img_size=input_size, **settings)
        except TypeError:  # most models accept any size and have no such argument
            backbone = timm.create_model(name, **settings)
        except (RuntimeError, AssertionError, ValueError) as error:
            raise _cannot_take(None, name, input_size, error) from error
        _weigh_samples(backbone)
        _make_repeatable(backbone)
    if stem != "full":
        _widen_stem(backbone, name, stem)
    return backbone


def last_stage(backbone: nn.Module, name: str) -> list[nn.Parameter]:
    """Return the parameters of the last stage of a backbone, and of all layers after it.

    Raises
    ------
    ValueError
        If ``feature_info`` of the backbone does not name its stages.
    """
    stages = [stage["module"] for stage in getattr(backbone, "feature_info", None) or []]
    parameters = list(backbone.named_parameters())
    before = f"{stages[-2]}." if len(stages) > 1 else None
    positions = [i for i, (each, _) in enumerate(parameters) if before and each.startswith(before)]
    part = [value for _, value in parameters[positions[-1] + 1 :]] if positions else []
    if not part:
        raise ValueError(
            f"the last stage of backbone={name!r} is not known; expected trainable='head' or 'all'"
        )
    return part


def _make_repeatable(backbone: nn.Module) -> None:
    """Turn off timm's dropout and stochastic depth, which use torch's global generator.

    The head has its own dropout.
    """
    for layer in backbone.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.p = 0.0
        for name in ("drop_prob", "drop_rate"):
            if isinstance(getattr(layer, name, None), float):
                setattr(layer, name, 0.0)


def _weigh_samples(backbone: nn.Module) -> None:
    """Make timm's batch normalization use sample weights, as that of sk_fer does."""
    forms = {"BatchNorm2d": WeightedBatchNorm2d, "BatchNormAct2d": WeightedBatchNormAct2d}
    for layer in backbone.modules():
        if isinstance(layer, nn.BatchNorm2d) and type(layer).__name__ in forms:
            layer.__class__ = forms[type(layer).__name__]


def _widen_stem(backbone: nn.Module, name: str, stem: str) -> None:
    if stem == "no_pool":
        if not isinstance(getattr(backbone, "maxpool", None), nn.MaxPool2d):
            raise ValueError(
                f"backbone={name!r} has no max-pool in its stem; expected stem='full' or "
                "'no_stride'"
            )
        backbone.maxpool = nn.Identity()
        return
    first = backbone.pretrained_cfg.get("first_conv")  # type: ignore[union-attr,operator]
    convolution = backbone.get_submodule(first) if isinstance(first, str) else None
    if not isinstance(convolution, nn.Conv2d) or convolution.stride != (2, 2):
        raise ValueError(
            f"backbone={name!r} has no first convolution of stride 2; expected stem='full'"
        )
    convolution.stride = (1, 1)


def feature_shapes(
    backbone: nn.Module, name: str, input_shape: tuple[int, int, int]
) -> tuple[int, tuple[int, ...]]:
    """Return the shapes of the features of one image, and check the size of the image.

    Parameters
    ----------
    backbone : torch.nn.Module
        The backbone.
    name : str
        Its name, for the error message.
    input_shape : tuple of (channels, height, width)
        The shape of one prepared image.

    Returns
    -------
    n_features : int
        The number of pooled features.
    feature_shape : tuple of int
        The shape of the feature map, (channels, height, width) for a convolutional network.

    Raises
    ------
    ValueError
        If the backbone cannot process such images.
    """
    part: Any = backbone
    training = backbone.training
    try:
        with torch.no_grad():
            features = part.eval().forward_features(torch.zeros(1, *input_shape))
            if not isinstance(features, torch.Tensor):
                raise ValueError("it returns several feature maps")
            if features.numel() == 0:
                raise ValueError("the feature map is empty")
            pooled = part.forward_head(features, pre_logits=True)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise _cannot_take(backbone, name, input_shape[1:], error) from error
    finally:
        backbone.train(training)
    return pooled.shape[1], tuple(features.shape[1:])


def _cannot_take(
    backbone: nn.Module | None, name: str, size: tuple[int, int], error: Exception
) -> ValueError:
    config: Any = getattr(backbone, "pretrained_cfg", {})
    made_for = config.get("input_size")
    hint = f" (it was trained on {made_for[1]} x {made_for[2]})" if made_for else ""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ValueError(
        f"backbone={name!r} cannot process images of {size[0]} x {size[1]} pixels{hint}: "
        f"{reason:.200}; set input_size"
    )
