"""Attributions of predictions to the pixels of images, through Captum."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sk_fer.training._dataset import FaceDataset

_VALUES_AT_ONCE = 2**24  # of the images with hidden squares
_LEAST_CELLS = 5  # on a side of a feature map; fewer do not show a place


def grad_cam(
    module: nn.Module, dataset: FaceDataset, targets: NDArray[np.intp], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Weigh the channels of the last feature map with enough cells by their mean gradients.

    Parameters
    ----------
    module : FaceModule
        The module. It is not changed.
    dataset : FaceDataset
        The images.
    targets : ndarray of shape (n_samples,) of int
        The position of the class whose logit is attributed, for each image.
    size : tuple of (height, width)
        The size of the result, to which the maps are resized bilinearly.

    Returns
    -------
    maps : ndarray of shape (n_samples, height, width)
        The evidence for the class. Evidence against it is 0.

    Raises
    ------
    ImportError
        If Captum is not installed.
    ValueError
        If the network has no convolutional feature maps, or if all are too small.
    """
    attr = _captum("Grad-CAM")
    # Not the module itself: hooks and compiled layers of others stay as they are.
    module = copy.deepcopy(module).eval()
    pixels = _pixels(module, dataset)
    layer = _last_map(module, pixels[:1])
    explained = attr.LayerGradCam(module, layer)
    maps = explained.attribute(
        pixels.requires_grad_(), torch.from_numpy(targets).to(pixels.device), relu_attributions=True
    )
    maps = attr.LayerAttribution.interpolate(maps.float(), size, "bilinear")
    return maps[:, 0].detach().cpu().numpy()


def occlusion(
    predict: Callable[[NDArray], NDArray],
    images: NDArray,
    targets: NDArray[np.intp],
    window: int,
    stride: int,
) -> NDArray[np.float32]:
    """Hide a square of the images at each position, and measure what predictions lose.

    Parameters
    ----------
    predict : callable
        A function of images that returns the probabilities of the classes.
    images : ndarray of shape (n_samples, height, width, channels)
        The images.
    targets : ndarray of shape (n_samples,) of int
        The position of the class, for each image.
    window : int
        The side of the square in pixels. It gets the mean of the image.
    stride : int
        The number of pixels between two positions.

    Returns
    -------
    maps : ndarray of shape (n_samples, height, width)
        The mean loss of probability, from -1 to 1, over the squares that contain a pixel.

    Raises
    ------
    ImportError
        If Captum is not installed.
    """
    attr = _captum("Occlusion")

    def forward(pixels: Tensor) -> Tensor:
        values = pixels.numpy()
        values = values.round() if images.dtype.kind in "biu" else values
        return torch.from_numpy(np.asarray(predict(values.astype(images.dtype)), np.float64))

    pixels = torch.from_numpy(images.astype(np.float32))
    maps = attr.Occlusion(forward).attribute(
        pixels,
        (window, window, images.shape[3]),
        (stride, stride, images.shape[3]),
        baselines=pixels.mean((1, 2, 3), keepdim=True).expand_as(pixels),
        target=torch.from_numpy(targets),
        perturbations_per_eval=max(1, _VALUES_AT_ONCE // images.size),
    )
    return maps[..., 0].numpy().astype(np.float32)


def _captum(method: str) -> ModuleType:
    try:
        from captum import attr
    except ImportError as error:
        raise ImportError(
            f'{method} requires captum: run pip install ".[saliency]" in the clone of sk_fer',
            name="captum",
        ) from error
    return attr


def _pixels(module: nn.Module, dataset: FaceDataset) -> Tensor:
    device = next(module.parameters()).device
    return torch.from_numpy(np.ascontiguousarray(dataset.X)).float().to(device)


def _last_map(module: nn.Module, pixels: Tensor) -> nn.Module:
    """Return the last layer whose output has the size of the last map with enough cells."""
    sizes: list[tuple[nn.Module, tuple[int, ...]]] = []

    def note(layer: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            sizes.append((layer, tuple(output.shape[2:])))

    network: Any = module.network
    hooks = [layer.register_forward_hook(note) for layer in network.modules()]
    with torch.inference_mode():
        module(pixels)
    for hook in hooks:
        hook.remove()
    of_convolutions = [size for layer, size in sizes if isinstance(layer, nn.Conv2d)]
    if not of_convolutions or not _returns_map(network):
        raise ValueError(
            "Grad-CAM requires a network with convolutional feature maps, got a network without "
            "them; use method='occlusion'"
        )
    large = [size for size in of_convolutions if min(size) >= _LEAST_CELLS]
    if not large:
        raise ValueError(
            f"images of {pixels.shape[1]} x {pixels.shape[2]} pixels are too small for Grad-CAM: "
            f"the feature maps of the network have at most {min(max(of_convolutions))} cells on a "
            f"side, expected {_LEAST_CELLS} or more; use method='occlusion'"
        )
    return [layer for layer, size in sizes if size == large[-1]][-1]


def _returns_map(network: Any) -> bool:
    """Return whether the features of a backbone, if there is one, are a map with channels first."""
    shape = getattr(network, "feature_shape", None)
    if shape is None:
        return True
    return len(shape) == 3 and shape[0] == getattr(network.backbone, "num_features", shape[0])
