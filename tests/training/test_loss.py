"""The loss against scikit-learn's log loss and against PyTorch's own."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional as F

from sk_fer.training import WeightedCrossEntropy

LOGITS = torch.tensor([[2.0, -1.0, 0.3], [0.1, 0.2, 0.3], [-2.0, 1.0, 4.0], [1.0, 1.0, 1.0]])
TARGET = torch.tensor([0, 2, 1, 1])


def test_weighted_loss_is_scikit_learns():
    weight = torch.tensor([1.0, 0.5, 2.0, 0.0])
    loss = WeightedCrossEntropy()(LOGITS, TARGET, weight)
    expected = log_loss(TARGET, LOGITS.double().softmax(1), sample_weight=weight)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_one_hot_shares_are_labels():
    shares = F.one_hot(TARGET, 3).float()
    class_weight = torch.tensor([1.0, 2.0, 0.5])
    for loss in (WeightedCrossEntropy(0.1), WeightedCrossEntropy(0.1, class_weight)):
        torch.testing.assert_close(loss(LOGITS, shares), loss(LOGITS, TARGET))


def test_class_weight_and_smoothing():
    class_weight = torch.tensor([1.0, 2.0, 0.5])
    loss = WeightedCrossEntropy(0.2, class_weight)(LOGITS, TARGET)
    each = F.cross_entropy(LOGITS, TARGET, reduction="none", label_smoothing=0.2)
    weight = class_weight[TARGET]
    torch.testing.assert_close(loss, (each * weight).sum() / weight.sum())


def test_a_batch_without_weight_has_no_loss():
    assert WeightedCrossEntropy()(LOGITS, TARGET, torch.zeros(4)).item() == 0


def test_bfloat16_logits_are_summed_in_float32():
    loss = WeightedCrossEntropy()(LOGITS.bfloat16(), TARGET)
    assert loss.dtype == torch.float32
    assert np.isfinite(loss.item())
