"""The parameters of the estimators that have a backbone."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import Any

from sklearn.utils._param_validation import HasMethods, StrOptions

from sk_fer._utils._constraints import Interval
from sk_fer._utils._layout import check_size
from sk_fer._utils._networks import OWN_BACKBONES

HEADS = ("linear", "conv")
STEMS = ("full", "no_pool", "no_stride")
TRAINABLE = ("head", "last_stage", "all")

# In benchmarks/few_images.py, EfficientNet-Lite0 with ImageNet weights has an accuracy of 92.3 % on
# CK+48 at 96 pixels, and of 84.2 % at 48. In benchmarks/transfer.py no size was better than 48 for
# random weights, for which input_size=None is best.
DEFAULT_INPUT_SIZE = 96

BACKBONE_CONSTRAINTS: dict[str, list[Any]] = {
    "backbone": [str],
    "weights": [str, PathLike, HasMethods("predict"), None],
    "input_size": [
        StrOptions({"auto"}),
        Interval(Integral, 1, None, closed="left"),
        tuple,
        list,
        None,
    ],
    "stem": [StrOptions(set(STEMS))],
}

_OWN = " or ".join(f'"{name}"' for name in OWN_BACKBONES)
_BACKBONE = f"""
backbone : str
    The name of a classification model of timm (``timm.list_models()``), or a network of
    :class:`FERCNNClassifier`: {_OWN}. timm is only needed for its models.
weights : "imagenet", "fer2013", str, path-like, fitted classifier or None
    The weights of the backbone at the start. "imagenet" are the weights of timm, which are
    downloaded once and kept in its cache. "fer2013" are those of :func:`load_pretrained`, for
    ``backbone="fast"``; they are in this package. A file is a .pth or .pt file with
    the names of timm, torchvision or sk_fer, or a .safetensors file with the names of timm or
    sk_fer; no code in it is run. A fitted classifier of
    sk_fer, such as ``load_model("model.skfer")``, must have the same backbone, or this network.
    If None, the weights are random. The head of weights of sk_fer is also used if its classes
    are the same, and replaced by a new head otherwise. A file does not contain the names of
    its classes, and is refused if the number of classes of its head differs.
"""
_SIZE = """
input_size : int, tuple of (height, width), "auto" or None
    The size to which images are resized bilinearly on the device. If None, images keep their
    size. "auto" is 96 for backbones of timm and None for those of sk_fer.
stem : {"full", "no_pool", "no_stride"}
    The first layers of the backbone, which can be changed for small images. "no_pool" leaves
    out the max-pool after the first convolution, and "no_stride" the stride of that
    convolution. Either doubles the sides of the following feature maps and takes four times
    the computation.
"""

BACKBONE_DOCS = {"backbone_parameters": _BACKBONE, "size_parameters": _SIZE}


def resolve_input_size(
    input_size: int | tuple[int, ...] | list[int] | str | None, backbone: str
) -> int | list[int] | None:
    """Resolve the `input_size` parameter to a side, [height, width] or None.

    Raises
    ------
    ValueError
        If it is not a valid size.
    """
    if input_size == "auto":
        return None if backbone in OWN_BACKBONES else DEFAULT_INPUT_SIZE
    if isinstance(input_size, (tuple, list)):
        return list(check_size(input_size, "input_size"))
    return None if input_size is None else int(input_size)


def resolve_trainable(trainable: str | Mapping[int, str]) -> dict[int, str]:
    """Resolve the `trainable` parameter to the part that is trained from each epoch on.

    Parameters
    ----------
    trainable : {"head", "last_stage", "all"} or mapping of int to one of these
        The parameter.

    Returns
    -------
    dict of int to str
        The parts, by the epoch from which they are trained, counted from one.

    Raises
    ------
    ValueError
        If a mapping has no epoch 1, or has an epoch or a part that is not valid.
    """
    if isinstance(trainable, str):
        return {1: trainable}
    epoch = Interval(Integral, 1, None, closed="left")
    if (
        1 not in trainable
        or not all(epoch.is_satisfied_by(begin) for begin in trainable)
        or not all(part in TRAINABLE for part in trainable.values())
    ):
        raise ValueError(
            f"trainable={trainable!r}; expected the part that is trained from each epoch on, "
            "such as {1: 'head', 4: 'last_stage', 8: 'all'}, including epoch 1"
        )
    return {int(begin): part for begin, part in trainable.items()}
