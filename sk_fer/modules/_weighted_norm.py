"""Batch normalization in which a sample of weight two counts as two samples."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sk_fer.modules._layer_setting import layer_setting


class WeightedBatchNorm2d(nn.BatchNorm2d):
    """``torch.nn.BatchNorm2d`` whose batch statistics honour sample weights.

    Without weights, the usual case, this is PyTorch's own layer. Within
    :func:`weighted_batch` the mean and variance of a training batch are weighted, so
    that a fit with integer ``sample_weight`` is a fit on repeated rows.

    Parameters
    ----------
    num_features : int
        Number of channels.
    **kwargs
        As in ``torch.nn.BatchNorm2d``.

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
            # One value a channel has no variance; the running statistics stand in.
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
            # PyTorch keeps the unbiased variance; the count is that of repeated rows, and
            # that of the rows themselves where the weights are shares of one.
            count = count.clamp_min(x.numel() // x.shape[1])
            unbiased = variance * count / (count - 1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(unbiased, self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return (values * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)).to(x.dtype)


class WeightedBatchNormAct2d(WeightedBatchNorm2d):
    """timm's ``BatchNormAct2d``, batch normalization with its activation, the same way.

    Only ever made of one, by a change of its class.
    """

    drop: nn.Module
    act: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Normalize ``x`` of shape (n, channels, height, width), and activate it."""
        return self.act(self.drop(super().forward(x)))


def weighted_batch(module: nn.Module, sample_weight: Tensor | None) -> AbstractContextManager[None]:
    """Let the batch-norm layers of ``module`` weigh the samples of one batch.

    Parameters
    ----------
    module : torch.nn.Module
        The network in training.
    sample_weight : Tensor of shape (n_samples,) or None
        The weights of the batch. None changes nothing.
    """
    if sample_weight is None:
        return nullcontext()
    return layer_setting(module, WeightedBatchNorm2d, "sample_weight", sample_weight)
