"""Convolutions that use float32 where PyTorch computes wrong results in bfloat16."""

from typing import Any

import torch
from torch import Tensor, nn


def bfloat16_is_wrong(layer: nn.Conv2d, height: int, width: int) -> bool:
    """Return whether PyTorch computes a convolution wrongly in bfloat16 on a CPU.

    PyTorch 2.14 does so in three cases, which were found by comparing 25,000 shapes with float32
    on a processor with AVX512-BF16: (1) the feature map is smaller than the stride; (2) the filter
    has 5 x 5 weights or more and no stride, and some weights are only multiplied with padding;
    (3) the filter has a stride, no padding and only one position, as in a patch embedding. In cases
    1 and 2 the gradient of the weights is uninitialized memory, in case 3 the output is wrong.

    Parameters
    ----------
    layer : torch.nn.Conv2d
        The convolution.
    height, width : int
        The size of its input, in pixels.

    Returns
    -------
    bool
        Whether the result is wrong. It does not depend on the batch size and the channels.

    Examples
    --------
    >>> from torch import nn
    >>> layer = nn.Conv2d(64, 128, 3, stride=2, padding=1)
    >>> [bfloat16_is_wrong(layer, side, side) for side in (1, 2, 3, 48)]
    [True, False, False, False]
    """
    for axis, side in enumerate((height, width)):
        stride = layer.stride[axis]
        reach = (layer.kernel_size[axis] - 1) * layer.dilation[axis]
        if layer.padding == "same":
            padding = reach // 2
        else:
            padding = 0 if layer.padding == "valid" else int(layer.padding[axis])
        last = (side + 2 * padding - reach - 1) // stride * stride  # where the filter begins
        some_see_only_padding = last < padding or reach - padding >= side
        if (
            side < stride
            or (stride == 1 and reach >= 4 and some_see_only_padding)
            or (stride > 1 and reach > 0 and padding == 0 and last == 0)
        ):
            return True
    return False


class _Float32WhereNeeded(nn.Conv2d):
    """The forward pass of a convolution, in float32 where bfloat16 is wrong."""

    wrapped: type[nn.Conv2d]

    def forward(self, x: Tensor) -> Tensor:
        """Return what the wrapped class returns, in the type of ``torch.autocast``."""
        if (
            torch.is_autocast_enabled("cpu")
            and x.device.type == "cpu"
            and self.weight.dtype == torch.float32
            and bfloat16_is_wrong(self, x.shape[-2], x.shape[-1])
        ):
            with torch.autocast("cpu", enabled=False):
                y = super().forward(x.float())
            return y.to(torch.get_autocast_dtype("cpu"))
        return super().forward(x)

    def _get_name(self) -> str:
        return self.wrapped.__name__

    def __reduce_ex__(self, protocol: Any) -> Any:
        state: Any = super().__reduce_ex__(2)
        return _new, (self.wrapped,), *state[2:]


_GUARDED: dict[Any, Any] = {}


def _guarded(kind: Any) -> Any:
    """Return the guarded subclass of a class of layers."""
    made = type(kind.__name__, (_Float32WhereNeeded, kind), {"wrapped": kind})
    return _GUARDED.setdefault(kind, made)


def _new(kind: Any) -> nn.Conv2d:
    cls = _guarded(kind)
    return cls.__new__(cls)


def guard_convolutions(network: nn.Module) -> nn.Module:
    """Make the convolutions of a network use float32 where bfloat16 is wrong.

    This affects only feature maps of a few pixels in ``torch.autocast`` on a CPU. Nothing else
    changes in the layers.

    Parameters
    ----------
    network : torch.nn.Module
        The network, which is changed in place.

    Returns
    -------
    torch.nn.Module
        The same network.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> layer = guard_convolutions(nn.Conv2d(8, 8, 3, stride=2, padding=1))
    >>> layer
    Conv2d(8, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    >>> with torch.autocast("cpu", torch.bfloat16):
    ...     layer(torch.ones(2, 8, 1, 1)).sum().backward()
    >>> bool(layer.weight.grad[:, :, 0].any())  # these weights see only padding
    False
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and not isinstance(layer, _Float32WhereNeeded):
            layer.__class__ = _guarded(type(layer))
    return network
