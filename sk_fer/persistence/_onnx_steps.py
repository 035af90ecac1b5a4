"""The steps of a Pipeline before its classifier, as torch modules for an ONNX graph.

The input and output of each are images of shape (n, height, width, channels), uint8 or float32.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from torch import Tensor, nn

from sk_fer._utils._image_file import resize_image
from sk_fer._utils._layout import check_size
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer, ImageStandardizer

_PRECISION_BITS = 22  # of the fixed-point weights with which Pillow resizes uint8 images
_N_LEVELS = 256


def step_module(step: Any, name: str) -> nn.Module:
    """Return a module that computes the same as a fitted transformer.

    Parameters
    ----------
    step : BaseEstimator
        The transformer.
    name : str
        Its name in the Pipeline, for the error message.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If an ONNX graph cannot contain this step.
    """
    kind = type(step)
    if kind in _MODULES and not (kind is HistogramEqualizer and step.method != "global"):
        return _MODULES[kind](step)
    shown = f"{kind.__name__}({step.method!r})" if kind is HistogramEqualizer else kind.__name__
    raise ValueError(
        f"the step {name!r} of the Pipeline is {shown}, which an ONNX graph of sk_fer cannot "
        f"contain; expected one of {', '.join(sorted(kind.__name__ for kind in _MODULES))} "
        "(HistogramEqualizer only with method='global'). Export only the steps after it, as "
        "pipeline[i:], and transform the images with the steps before, pipeline[:i]"
    )


class _Scale(nn.Module):
    """Multiply flat rows by a scale and add an offset, in float64 as in scikit-learn."""

    scale: Tensor
    offset: Tensor

    def __init__(self, scale: NDArray, offset: NDArray, clip: tuple[float, float] | None) -> None:
        super().__init__()
        self.register_buffer("scale", torch.from_numpy(np.asarray(scale, np.float64)))
        self.register_buffer("offset", torch.from_numpy(np.asarray(offset, np.float64)))
        self.clip = clip

    def forward(self, images: Tensor) -> Tensor:
        rows = images.flatten(1).double() * self.scale + self.offset
        if self.clip is not None:
            rows = rows.clamp(*self.clip)
        return rows.float().reshape(images.shape)


def _standard_scaler(step: StandardScaler) -> nn.Module:
    scale = 1 / step.scale_ if step.with_std else np.ones(step.n_features_in_)
    mean = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
    return _Scale(scale, -mean * scale, None)


def _robust_scaler(step: RobustScaler) -> nn.Module:
    scale = 1 / step.scale_ if step.with_scaling else np.ones(step.n_features_in_)
    center = step.center_ if step.with_centering else np.zeros(step.n_features_in_)
    return _Scale(scale, -center * scale, None)


def _min_max_scaler(step: MinMaxScaler) -> nn.Module:
    return _Scale(step.scale_, step.min_, tuple(step.feature_range) if step.clip else None)


def _max_abs_scaler(step: MaxAbsScaler) -> nn.Module:
    clip = (-1.0, 1.0) if getattr(step, "clip", False) else None
    return _Scale(1 / step.scale_, np.zeros(step.n_features_in_), clip)


class _Normalize(nn.Module):
    """Divide each image by its norm."""

    def __init__(self, step: Normalizer) -> None:
        super().__init__()
        self.norm = step.norm

    def forward(self, images: Tensor) -> Tensor:
        rows = images.flatten(1).double()
        if self.norm == "l2":
            norm = rows.square().sum(1, keepdim=True).sqrt()
        else:
            of = rows.abs()
            norm = of.sum(1, keepdim=True) if self.norm == "l1" else of.amax(1, keepdim=True)
        return (rows / norm.masked_fill(norm == 0, 1.0)).float().reshape(images.shape)


class _Resize(nn.Module):
    """Pillow's bilinear filter: two matrix products, each rounded if the images are uint8."""

    down: Tensor
    down_fixed: Tensor
    across: Tensor
    across_fixed: Tensor

    def __init__(self, step: ImageResizer) -> None:
        super().__init__()
        height, width, _ = step.image_shape_
        size = check_size(step.image_size, "image_size")
        for name, n_in, n_out in (("down", height, size[0]), ("across", width, size[1])):
            weights = _filter_weights(n_in, n_out)
            self.register_buffer(name, torch.from_numpy(weights))
            fixed = np.floor(0.5 + weights * 2**_PRECISION_BITS)
            self.register_buffer(f"{name}_fixed", torch.from_numpy(fixed))
        # Which side Pillow resizes first depends on its version and on the sizes.
        image = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
        expected = torch.from_numpy(resize_image(image, size))
        self.down_first = False
        self.down_first = not torch.equal(
            self(torch.from_numpy(image)[None, ..., None])[0, ..., 0], expected
        )

    def forward(self, images: Tensor) -> Tensor:
        x = images.permute(0, 3, 1, 2)
        if images.dtype == torch.uint8:
            down, across, rounded = self.down_fixed, self.across_fixed, self._fixed_to_pixels
        else:
            down, across, rounded = self.down, self.across, Tensor.float  # type: ignore[assignment]
        if self.down_first:
            x = rounded(rounded(down @ x.double()).double() @ across.T)
        else:
            x = rounded(down @ rounded(x.double() @ across.T).double())
        return x.to(images.dtype).permute(0, 2, 3, 1)

    @staticmethod
    def _fixed_to_pixels(sums: Tensor) -> Tensor:
        return (sums / 2**_PRECISION_BITS + 0.5).floor().clamp(0, 255)


def _filter_weights(n_in: int, n_out: int) -> NDArray[np.float64]:
    """Return the weights of the input pixels in each output pixel, along one side."""
    if n_in == n_out:
        return np.eye(n_in)
    scale = n_in / n_out
    support = max(scale, 1.0)
    center = (np.arange(n_out)[:, None] + 0.5) * scale
    position = np.arange(n_in)[None, :]
    weights = np.maximum(0.0, 1 - np.abs((position - center + 0.5) * (1 / support)))
    first = np.maximum((center - support + 0.5).astype(int), 0)
    last = np.minimum((center + support + 0.5).astype(int), n_in)
    weights[(position < first) | (position >= last)] = 0
    return weights * (1 / weights.cumsum(1)[:, -1:])


class _Equalize(nn.Module):
    """Map each level to the share of pixels up to it, and the lowest level to zero."""

    def __init__(self, step: HistogramEqualizer) -> None:
        super().__init__()

    def forward(self, images: Tensor) -> Tensor:
        planes = images.permute(0, 3, 1, 2).flatten(2)  # (n, channels, pixels)
        if images.dtype == torch.uint8:
            levels = planes.long()
        else:
            low = planes.amin(2, keepdim=True)
            span = planes.amax(2, keepdim=True) - low
            span = span.masked_fill(span == 0, 1.0)
            levels = ((planes - low) / span * (_N_LEVELS - 1)).round().long()
        n, n_channels, n_pixels = levels.shape
        counts = torch.zeros((n, n_channels, _N_LEVELS), dtype=torch.float32)
        counts = counts.scatter_add(2, levels, torch.ones_like(levels, dtype=torch.float32))
        cumulated = counts.cumsum(2).double()
        lowest = cumulated.gather(2, levels.amin(2, keepdim=True))
        table = ((cumulated - lowest) / (n_pixels - lowest).clamp_min(1)).float()
        shares = table.gather(2, levels)
        if images.dtype == torch.uint8:
            shares = (shares * 255).round().to(torch.uint8)
        height, width = images.shape[1:3]
        return shares.reshape(n, n_channels, height, width).permute(0, 2, 3, 1)


class _Standardize(nn.Module):
    """Scale images like ``ImageStandardizer``."""

    mean: Tensor
    scale: Tensor

    def __init__(self, step: ImageStandardizer) -> None:
        super().__init__()
        self.method = step.method
        if self.method == "dataset":
            self.register_buffer("mean", torch.from_numpy(step.mean_))
            self.register_buffer("scale", torch.from_numpy(step.scale_))

    def forward(self, images: Tensor) -> Tensor:
        x = images.float()
        if self.method == "dataset":
            return (x - self.mean) / self.scale
        if self.method == "image":
            mean = x.mean((1, 2, 3), keepdim=True)
            x = x - mean
            spread = x.square().mean((1, 2, 3), keepdim=True).sqrt()
            constant = spread <= 10 * torch.finfo(torch.float32).eps * mean.abs()
        else:
            x = x - x.amin((1, 2, 3), keepdim=True)
            spread = x.amax((1, 2, 3), keepdim=True)
            constant = spread == 0
        return torch.where(constant, 0.0, x / spread.masked_fill(constant, 1.0))


_MODULES: dict[type, Callable[[Any], nn.Module]] = {
    HistogramEqualizer: _Equalize,
    ImageResizer: _Resize,
    ImageStandardizer: _Standardize,
    MaxAbsScaler: _max_abs_scaler,
    MinMaxScaler: _min_max_scaler,
    Normalizer: _Normalize,
    RobustScaler: _robust_scaler,
    StandardScaler: _standard_scaler,
}
