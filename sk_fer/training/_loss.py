"""Cross-entropy against class positions or shares, with sample and class weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WeightedCrossEntropy(nn.Module):
    """Weighted mean of the cross-entropy of a batch, in float32.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of the target spread evenly over the classes.
    class_weight : Tensor of shape (n_classes,), optional
        Weight of each class; a soft target weighs the mean of its classes' weights.

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

    class_weight: Tensor | None

    def __init__(self, label_smoothing: float = 0.0, class_weight: Tensor | None = None) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weight", class_weight)

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        logits : Tensor of shape (n_samples, n_classes)
        target : Tensor of shape (n_samples,) or (n_samples, n_classes)
            Class positions or shares that sum to one.
        sample_weight : Tensor of shape (n_samples,), optional

        Returns
        -------
        Tensor of shape ()
        """
        losses = F.cross_entropy(
            logits.float(), target, reduction="none", label_smoothing=self.label_smoothing
        )
        weight = sample_weight
        if self.class_weight is not None:
            if target.is_floating_point():
                class_weight = target @ self.class_weight
            else:
                class_weight = self.class_weight[target]
            weight = class_weight if weight is None else weight * class_weight
        if weight is None:
            return losses.mean()
        # A batch in which nothing weighs has no loss, rather than 0 / 0.
        return (losses * weight).sum() / weight.sum().clamp_min(torch.finfo(torch.float32).tiny)
