"""Convolutions that leave bfloat16 where PyTorch computes it wrongly."""

from typing import Any

import torch
from torch import Tensor, nn


def bfloat16_is_wrong(layer: nn.Conv2d, height: int, width: int) -> bool:
    """Return whether PyTorch computes a convolution wrongly in bfloat16 on a CPU.

    PyTorch 2.14 does so in three cases, found by comparing 25,000 shapes with float32 on a
    processor with AVX512-BF16: the map is smaller than the stride; the filter is of 5 x 5 or
    more, has no stride, and some of its weights meet nothing but padding; the filter has a
    stride, no padding, and one position (a patch embedding). In the first two the gradient
    of the weights is memory that nobody wrote, in the third the output is wrong.

    Parameters
    ----------
    layer : torch.nn.Conv2d
        The convolution.
    height, width : int
        Size of the map that it gets, in pixels.

    Returns
    -------
    bool
        The same for every batch size and number of channels.

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
        some_meet_padding_alone = last < padding or reach - padding >= side
        if (
            side < stride
            or (stride == 1 and reach >= 4 and some_meet_padding_alone)
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
    """Return the class of a guarded layer, one for each class that it wraps."""
    made = type(kind.__name__, (_Float32WhereNeeded, kind), {"wrapped": kind})
    return _GUARDED.setdefault(kind, made)


def _new(kind: Any) -> nn.Conv2d:
    cls = _guarded(kind)
    return cls.__new__(cls)


def guard_convolutions(network: nn.Module) -> nn.Module:
    """Let all convolutions of a network run in float32 where bfloat16 is wrong.

    Only ``torch.autocast`` on a CPU is concerned, and there only maps of a few pixels. The
    weights, their names and all else that the layers do stay as they are.

    Parameters
    ----------
    network : torch.nn.Module
        Changed in place.

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
    >>> bool(layer.weight.grad[:, :, 0].any())  # these weights meet padding alone
    False
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and not isinstance(layer, _Float32WhereNeeded):
            layer.__class__ = _guarded(type(layer))
    return network
