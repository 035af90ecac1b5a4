"""The sources of the weights of a pretrained network."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._networks import OWN_BACKBONES
from sk_fer._utils._shipped import SHIPPED, shipped_file
from sk_fer.estimators._stored_net import StoredNet

if TYPE_CHECKING:
    import torch

    from sk_fer.modules import FaceModule

_LISTED = ", ".join(map(repr, SHIPPED))


@dataclass
class WeightsSource:
    """Weights for a backbone, with the settings that they were trained with.

    Parameters
    ----------
    name : str
        The name of the weights, for messages.
    normalize : {"image", "dataset", "none"} or None
        The normalization of the images in their training, or None if it is not known.
    state : dict of str to torch.Tensor, default=None
        The weights. If None, those of timm are used.
    classes : ndarray of shape (n_classes,), default=None
        The classes of their head, if they are known.
    dtype : str, default=None
        The type of the images in their training, if it is known.
    in_order : bool, default=True
        Whether the weights are in the order of the layers.
    """

    name: str
    normalize: str | None
    state: dict[str, torch.Tensor] | None = field(default=None, repr=False)
    classes: NDArray | None = None
    dtype: str | None = None
    in_order: bool = True

    def load(
        self,
        module: FaceModule,
        classes: NDArray | None,
        images: NDArray,
        *,
        as_trained: bool,
    ) -> None:
        """Load the weights into a new module.

        Parameters
        ----------
        module : FaceModule
            The module of a ``PretrainedNetwork``, which is changed in place.
        classes : ndarray of shape (n_classes,) or None
            The classes of the head, or None without a head.
        images : ndarray of shape (n_images, height, width, channels)
            The images of the fit.
        as_trained : bool
            Whether the images are normalized as in the training of the weights.

        Raises
        ------
        OSError, ValueError
            If the weights cannot be read, or do not match the backbone or the images.
        """
        from sk_fer.modules._timm import load_imagenet
        from sk_fer.modules._weights import load_backbone

        if as_trained:
            self._check_dtype(images.dtype)
        network: Any = module.network
        if self.state is None:
            load_imagenet(network.backbone, network.name)
        else:
            load_backbone(network.backbone, self.state, self.name, in_order=self.in_order)
            if classes is not None:
                self._load_head(network.head, classes)
        if as_trained and self.normalize == "dataset":
            self._load_statistics(module, images)

    def _check_dtype(self, dtype: np.dtype) -> None:
        """Raise an error for pixels of another range, if the weights depend on it."""
        if self.normalize != "image" and self.dtype not in (None, dtype.name):
            raise ValueError(
                f"{self.name} was trained on {self.dtype} images, but X is {dtype}; use images of "
                "the same type, or set normalize='image'"
            )

    def _load_head(self, head: torch.nn.Module, classes: NDArray) -> None:
        """Load the weights of the head if it has the same classes."""
        from sk_fer.modules._weights import head_state

        assert self.state is not None
        state = head_state(self.state)
        if not state or (self.classes is not None and not np.array_equal(self.classes, classes)):
            return
        if self.classes is None:
            last = next((v for v in reversed(state.values()) if v.ndim == 2), ())
            if len(last) != len(classes):
                raise ValueError(
                    f"{self.name} has a head of {len(last)} classes, but y has {len(classes)}. To "
                    "train a new head, pass a fitted classifier as weights, or a file without "
                    "the keys of the head"
                )
        own = head.state_dict()
        if {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in own.items()}:
            head.load_state_dict(state)

    def _load_statistics(self, module: FaceModule, images: NDArray) -> None:
        """Set the mean and standard deviation of the images in the training of the weights."""
        import torch

        prepare = module.prepare
        if self.state is not None and "prepare.mean" in self.state:
            mean, std = self.state["prepare.mean"], self.state["prepare.std"]
            of_bytes = bool(mean.abs().max() > 1)
            if self.dtype is None and of_bytes != (images.dtype == np.uint8):
                raise ValueError(
                    f"{self.name} was trained on images with a mean of {mean.max():.3g}, but X is "
                    f"{images.dtype}; use pixels of the same range, or set normalize='image'"
                )
        else:
            network: Any = module.network
            config = network.backbone.pretrained_cfg
            mean, std = torch.tensor(config["mean"]), torch.tensor(config["std"])
            if images.dtype == np.uint8:
                mean, std = 255 * mean, 255 * std
            elif images.min() < 0 or images.max() > 1:
                raise ValueError(
                    f"{self.name} needs float images in [0, 1] or uint8 images, but X is float in "
                    f"[{images.min():.3g}, {images.max():.3g}]. Scale X, or set "
                    "normalize='image' or 'dataset'"
                )
        if len(mean) != prepare.channels:
            # The filters are summed or repeated over the channels.
            mean, std = mean.mean().expand(prepare.channels), std.mean().expand(prepare.channels)
        prepare.mean.copy_(mean)
        prepare.std.copy_(std)


def open_weights(weights: Any, backbone: str) -> WeightsSource | None:
    """Resolve the `weights` parameter to a source of weights.

    Parameters
    ----------
    weights : "imagenet", "fer2013", str, path-like, fitted classifier or None
        The parameter.
    backbone : str
        The name of the backbone.

    Returns
    -------
    WeightsSource or None
        The source, or None for random weights.

    Raises
    ------
    OSError, TypeError, ValueError
        If the parameter is not valid, or if the weights cannot be read.
    """
    if weights is None:
        return None
    if isinstance(weights, str) and weights == "imagenet":
        from sk_fer.modules._timm import imagenet_config

        imagenet_config(backbone)  # fails before a large network is built
        return WeightsSource("weights='imagenet'", "dataset")
    if isinstance(weights, str) and weights in SHIPPED:
        return _from_shipped(weights, backbone)
    if isinstance(weights, (str, PathLike)):
        return _from_file(weights, backbone)
    return _from_classifier(weights, f"weights, a fitted {type(weights).__name__}", backbone)


def _from_shipped(name: str, backbone: str) -> WeightsSource:
    """Read the weights of a trained model of this package, a file of ``save_model``."""
    from safetensors.torch import load

    with zipfile.ZipFile(shipped_file(name)) as archive:
        model = json.loads(archive.read("model.json"))["model"]
        state = load(archive.read("weights.safetensors"))
    source = f"weights={name!r}"
    network = {"network": model["network"]["architecture"], "options": {}}
    _check_architecture(network, source, backbone)
    classes = np.array(model["classes_"]["values"])
    return WeightsSource(source, model["normalize"], state, classes, model["image_dtype"])


def _from_file(weights: str | PathLike[str], backbone: str) -> WeightsSource:
    from sk_fer.modules._weights_file import read_state_dict

    path = Path(weights)
    if not path.suffix and not path.exists():
        raise ValueError(
            f"weights={fspath(weights)!r}; expected 'imagenet', {_LISTED}, None, a file "
            "(.safetensors, .pth, .pt) or a fitted classifier of sk_fer"
        )
    if path.suffix == ".skfer":
        raise ValueError(
            f"weights={fspath(weights)!r} is a model file; expected the fitted classifier in it, "
            f"weights=sk_fer.load_model({fspath(weights)!r})"
        )
    state = read_state_dict(path)
    is_own = backbone in OWN_BACKBONES or any(key.startswith("network.") for key in state)
    # Networks of sk_fer without statistics were trained with normalize="image".
    normalize = "image" if is_own and "prepare.mean" not in state else "dataset"
    in_order = path.suffix.lower() != ".safetensors"
    return WeightsSource(f"weights={fspath(weights)!r}", normalize, state, in_order=in_order)


def _from_classifier(weights: Any, name: str, backbone: str) -> WeightsSource:
    while isinstance(weights, (FrozenEstimator, Pipeline)):
        weights = weights[-1] if isinstance(weights, Pipeline) else weights.estimator
    if isinstance(weights, StoredNet) and is_classifier(weights):
        check_is_fitted(
            weights,
            msg=f"{name}: this %(name)s is not fitted yet; fit it first. In a parameter grid, pass "
            "FrozenEstimator(classifier), because a search clones the values of a grid",
        )
    if not all(hasattr(weights, attribute) for attribute in ("net_", "classes_", "_image_dtype")):
        raise TypeError(
            f"weights is a {type(weights).__name__}; expected 'imagenet', {_LISTED}, None, a file "
            "or a fitted classifier of sk_fer"
        )
    config = weights._module_config
    _check_architecture(config, name, backbone)
    state = {k: v.detach().cpu() for k, v in weights.net_.module_.state_dict().items()}
    return WeightsSource(name, config["normalize"], state, weights.classes_, weights._image_dtype)


def _check_architecture(config: dict[str, Any], name: str, backbone: str) -> None:
    """Raise an error if the network of a classifier has another name than the backbone.

    Some names of timm mean the same layers. For these, the weights are compared later.
    """
    from sk_fer.modules._timm import known_backbone

    learnt = config["options"].get("backbone", config["network"])
    of_timm = config["network"] == "pretrained" and not {learnt, backbone} & {*OWN_BACKBONES}
    if learnt == backbone or of_timm:
        return
    known_backbone(backbone)  # raises an error if there is no such backbone
    way_out = f"use FERPretrainedClassifier or FERFeatures with backbone={learnt!r}"
    if config["network"] not in ("pretrained", *OWN_BACKBONES):
        names = " and ".join(map(repr, OWN_BACKBONES))
        way_out = f"only {names} of sk_fer's networks can be backbones"
    raise ValueError(f"{name}: its network is {learnt!r}, but backbone={backbone!r}; {way_out}")
