"""Batch normalization with sample weights: a sample of weight two counts as two samples."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sk_fer.modules._layer_setting import layer_setting


class WeightedBatchNorm2d(nn.BatchNorm2d):
    """A ``torch.nn.BatchNorm2d`` whose batch statistics use sample weights.

    Without weights, it is PyTorch's layer. In a :func:`weighted_batch` block, the mean and
    variance of a training batch are weighted, so that a fit with integer ``sample_weight`` is
    equal to a fit on repeated rows. The parameters are those of ``torch.nn.BatchNorm2d``.

    Parameters
    ----------
    num_features : int
        The number of channels.
    eps : float, default=1e-05
        The value that is added to the variance for numerical stability.
    momentum : float, default=0.1
        The share of the statistics of a batch in the running statistics.
    affine : bool, default=True
        Whether the layer has a weight and a bias.
    track_running_stats : bool, default=True
        Whether the layer has running statistics.
    device : torch.device, default=None
        The device of the parameters.
    dtype : torch.dtype, default=None
        The type of the parameters.
    bias : bool, default=True
        Whether an affine layer has a bias.

    References
    ----------
    .. [1] Ioffe & Szegedy, "Batch Normalization: Accelerating Deep Network Training by
       Reducing Internal Covariate Shift", ICML 2015.
    """

    momentum: float
    running_mean: Tensor
    running_var: Tensor
    sample_weight: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Normalize ``x`` of shape (n, channels, height, width)."""
        if self.training and x.numel() == x.shape[1]:
            # One value per channel has no variance, so the running statistics are used.
            return F.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        if self.sample_weight is None or not self.training:
            return super().forward(x)
        weight = self.sample_weight.view(-1, 1, 1, 1) * x.shape[2] * x.shape[3]
        count = weight.sum()
        share = weight / count / (x.shape[2] * x.shape[3])
        values = x.float()
        mean = (share * values).sum((0, 2, 3))
        variance = (share * (values - mean.view(1, -1, 1, 1)) ** 2).sum((0, 2, 3))
        with torch.no_grad():
            # PyTorch uses the unbiased variance. The count is that of repeated rows, and at least
            # the number of rows, for weights below one.
            count = count.clamp_min(x.numel() // x.shape[1])
            unbiased = variance * count / (count - 1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(unbiased, self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return (values * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)).to(x.dtype)


class WeightedBatchNormAct2d(WeightedBatchNorm2d):
    """timm's ``BatchNormAct2d``, batch normalization with its activation, the same way.

    It is created only from a ``BatchNormAct2d``, by a change of its class.
    """

    drop: nn.Module
    act: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Normalize ``x`` of shape (n, channels, height, width), and activate it."""
        return self.act(self.drop(super().forward(x)))


def weighted_batch(module: nn.Module, sample_weight: Tensor | None) -> AbstractContextManager[None]:
    """Let the batch normalization of a module weight the samples inside a ``with`` block.

    Parameters
    ----------
    module : torch.nn.Module
        The network that is trained.
    sample_weight : Tensor of shape (n_samples,) or None
        The weights of the samples of the batch. None changes nothing.

    Returns
    -------
    context manager
        The block in which the layers use the weights.
    """
    if sample_weight is None:
        return nullcontext()
    return layer_setting(module, WeightedBatchNorm2d, "sample_weight", sample_weight)
