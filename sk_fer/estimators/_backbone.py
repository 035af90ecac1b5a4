"""The parameters of estimators over a backbone, and how they make a module."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, StrOptions

from sk_fer._utils._backbone_names import OWN_BACKBONES, STEMS
from sk_fer._utils._constraints import Interval
from sk_fer._utils._layout import check_size
from sk_fer.estimators._nets import new_module
from sk_fer.estimators._weights_source import open_weights

if TYPE_CHECKING:
    import torch

    from sk_fer.training import FaceDataset

# From random weights no size beat 48 pixels in benchmarks/transfer.py: who has none sets
# input_size=None. timm's weights, not measured there, are of larger images; 96 is a compromise.
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

_BACKBONE = """
backbone : str
    The name of a classification model of timm (``timm.list_models()``), or "fast" or
    "accurate", the networks of :class:`FERCNNClassifier`. timm is only needed for its models.
weights : "imagenet", str, path-like, fitted classifier or None
    The weights of the backbone at the start. "imagenet" are the weights of timm, which are
    downloaded once and kept in its cache. A file is a .safetensors, .pth or .pt file with
    the names of torchvision, timm or sk_fer; no code in it is run. A fitted classifier of
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
    """Turn the `input_size` parameter into a side, (height, width) or None.

    Raises
    ------
    ValueError
        If it is no size.
    """
    if input_size == "auto":
        return None if backbone in OWN_BACKBONES else DEFAULT_INPUT_SIZE
    if isinstance(input_size, (tuple, list)):
        return list(check_size(input_size, "input_size"))
    return None if input_size is None else int(input_size)


def new_backbone_module(
    config: dict[str, Any],
    weights: Any,
    train: FaceDataset,
    seed: int,
    classes: NDArray | None,
    normalize: str,
    unknown: str,
) -> torch.nn.Module:
    """Build a module over a backbone, with its weights.

    Parameters
    ----------
    config : dict
        For :func:`sk_fer.modules.build_module`, without ``normalize``, which is added.
    weights : object
        The parameter.
    train : FaceDataset
        Images of the fit.
    seed : int
        Of the random weights.
    classes : ndarray of shape (n_classes,) or None
        What a head is to tell apart.
    normalize : str
        The parameter.
    unknown : {"image", "dataset"}
        What "auto" is where the weights do not say it.
    """
    source = open_weights(weights, config["options"]["backbone"])
    of_weights = None if source is None else source.normalize
    config["normalize"] = (of_weights or unknown) if normalize == "auto" else normalize
    with_statistics = normalize == "auto" and of_weights == "dataset"
    module: Any = new_module(config, None if with_statistics else train, seed)
    if source is not None:
        if normalize == "auto":
            source.check_dtype(train.X.dtype)
        source.load(module, classes, train.X, with_statistics=with_statistics)
    return module
