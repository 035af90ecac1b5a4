"""The losses, with a weight for each sample."""

from torch import Tensor, nn
from torch.nn import functional as F


class WeightedCrossEntropy(nn.Module):
    """Cross-entropy of a batch, in float32.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        The share of each target that is distributed evenly over the classes.

    References
    ----------
    .. [1] Szegedy et al., "Rethinking the Inception Architecture for Computer Vision",
       CVPR 2016: label smoothing.

    Examples
    --------
    >>> import torch
    >>> from sk_fer.training import WeightedCrossEntropy
    >>> loss = WeightedCrossEntropy()
    >>> loss(torch.zeros(2, 4), torch.tensor([0, 3])).item()  # log(4)
    1.3862943649291992
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean of the weighted losses of a batch.

        Parameters
        ----------
        logits : Tensor of shape (n_samples, n_classes)
            The logits.
        target : Tensor of shape (n_samples,) or (n_samples, n_classes)
            The positions of the classes, or shares that sum to one. The position -1 is that of
            a label without a class, whose loss is zero.
        weight : Tensor of shape (n_samples,), default=None
            The weights of the samples, with a mean of one over the data set.

        Returns
        -------
        Tensor of shape ()
            The mean.
        """
        losses = self.losses(logits.float(), target)
        return losses.mean() if weight is None else (losses * weight).mean()

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each sample.

        Parameters
        ----------
        logits : Tensor of shape (n_samples, n_classes)
            The logits.
        target : Tensor of shape (n_samples,) or (n_samples, n_classes)
            The positions of the classes, or shares that sum to one.

        Returns
        -------
        Tensor of shape (n_samples,)
            The losses, without weights.
        """
        return F.cross_entropy(
            logits,
            target,
            ignore_index=-1,
            reduction="none",
            label_smoothing=self.label_smoothing,
        )


class WeightedFocalLoss(WeightedCrossEntropy):
    """Cross-entropy in which samples that are already predicted well have less weight.

    The term of each class is multiplied by ``(1 - p) ** 2``, where p is its predicted probability.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        The share of each target that is distributed evenly over the classes.

    References
    ----------
    .. [1] Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Examples
    --------
    >>> import torch
    >>> from sk_fer.training import WeightedFocalLoss
    >>> loss = WeightedFocalLoss()
    >>> loss(torch.zeros(2, 4), torch.tensor([0, 3])).item()  # (3 / 4)^2 log(4)
    0.7797905802726746
    """

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each sample.

        Parameters
        ----------
        logits : Tensor of shape (n_samples, n_classes)
            The logits.
        target : Tensor of shape (n_samples,) or (n_samples, n_classes)
            The positions of the classes, or shares that sum to one.

        Returns
        -------
        Tensor of shape (n_samples,)
            The losses, without weights.
        """
        log_probabilities = logits.log_softmax(1)
        n_classes = logits.shape[1]
        if target.is_floating_point():
            shares = target.float()
        else:
            shares = F.one_hot(target.clamp_min(0), n_classes) * (target >= 0)[:, None]
        even = self.label_smoothing / n_classes
        shares = shares * (1 - self.label_smoothing) + even * shares.sum(1, keepdim=True)
        focus = (1 - log_probabilities.exp()) ** 2
        return -(shares * focus * log_probabilities).sum(1)
