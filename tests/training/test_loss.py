"""The losses agree with scikit-learn's log loss and with PyTorch."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional as F

from sk_fer.training import FaceDataset, WeightedCrossEntropy, WeightedFocalLoss

LOGITS = torch.tensor([[2.0, -1.0, 0.3], [0.1, 0.2, 0.3], [-2.0, 1.0, 4.0], [1.0, 1.0, 1.0]])
TARGET = torch.tensor([0, 2, 1, 1])


def dataset(sample_weight=None, target=TARGET):
    weight = None if sample_weight is None else np.asarray(sample_weight, np.float32)
    return FaceDataset(np.zeros((4, 1, 1, 1)), target.numpy(), weight)


def loss_of(data, target=TARGET, label_smoothing=0.0):
    return WeightedCrossEntropy(label_smoothing)(LOGITS, target, torch.tensor(data.loss_weight))


def test_weighted_loss_is_scikit_learns():
    weight = [1.0, 0.5, 2.0, 0.0]
    expected = log_loss(TARGET, LOGITS.double().softmax(1), sample_weight=weight)
    assert loss_of(dataset(weight).weighted(None)).item() == pytest.approx(expected, rel=1e-6)


def test_one_hot_shares_are_labels():
    shares = F.one_hot(TARGET, 3).float()
    class_weight = np.array([1.0, 2.0, 0.5])
    by_label = loss_of(dataset().weighted(class_weight), label_smoothing=0.1)
    by_share = loss_of(dataset(target=shares).weighted(class_weight), shares, 0.1)
    torch.testing.assert_close(by_share, by_label)


def test_class_and_sample_weights_multiply():
    class_weight = np.array([1.0, 2.0, 0.5])
    loss = loss_of(dataset([1, 2, 3, 4]).weighted(class_weight), label_smoothing=0.2)
    each = F.cross_entropy(LOGITS, TARGET, reduction="none", label_smoothing=0.2)
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0]) * torch.tensor(class_weight)[TARGET]
    torch.testing.assert_close(loss.double(), (each * weight).sum() / weight.sum())


def test_weights_keep_their_ratio_from_batch_to_batch():
    weights = dataset([1, 2, 3, 4]).weighted(None).loss_weight
    np.testing.assert_allclose(weights, np.array([1, 2, 3, 4]) / 2.5)


def test_weights_can_be_none():
    assert dataset().weighted(None).loss_weight is None


def test_nothing_but_zeros_is_refused():
    with pytest.raises(ValueError, match="all images have the weight 0"):
        dataset().weighted(np.zeros(3))


def test_bfloat16_logits_are_summed_in_float32():
    loss = WeightedCrossEntropy()(LOGITS.bfloat16(), TARGET)
    assert loss.dtype == torch.float32
    assert np.isfinite(loss.item())


def test_focal_loss_is_that_of_its_formula():
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 3.0]])
    p = logits.softmax(1)
    expected = -(((1 - p) ** 2) * p.log())
    target = torch.tensor([0, -1])
    loss = WeightedFocalLoss()(logits, target)
    torch.testing.assert_close(loss, expected[0, 0] / 2)  # -1 is no class and has no loss
    shares = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    weight = torch.tensor([0.5, 1.5])
    mean = ((shares * expected).sum(1) * weight).mean()
    torch.testing.assert_close(WeightedFocalLoss()(logits, shares, weight), mean)
    smooth = WeightedFocalLoss(label_smoothing=0.3)(logits, torch.tensor([0, 2]))
    spread = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    torch.testing.assert_close(smooth, (spread * expected).sum(1).mean())
