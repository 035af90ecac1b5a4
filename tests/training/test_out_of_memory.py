"""A device without memory for a batch, simulated by networks that refuse large batches."""

from functools import partial

import numpy as np
import pytest
import torch

from sk_fer import FERCNNClassifier
from sk_fer.modules import DenseNetwork, FastCNN

from .. import helpers


@pytest.fixture
def small_device(monkeypatch):
    """Let a network take so many images at most; returns the sizes it was given."""

    def limit(n_images, network=DenseNetwork):
        sizes = []
        forward = network.forward

        def forward_some(self, x):
            if len(x) > n_images:
                raise torch.OutOfMemoryError("tried to allocate 1 TiB")
            sizes.append(len(x))
            return forward(self, x)

        monkeypatch.setattr(network, "forward", forward_some)
        return sizes

    return limit


dense = partial(helpers.dense, batch_size=100, lr=0.01)


@pytest.mark.parametrize("weighted", [False, True])
def test_training_in_halves_is_the_same_training(faces, small_device, weighted):
    X, y = faces
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X)) if weighted else None
    # In float32: sums in another order round too much in bfloat16 to be compared so closely.
    settings = {"class_weight": "balanced", "precision": "float32"}
    whole = dense(**settings).fit(X, y, sample_weight=weight)
    sizes = small_device(30)
    with pytest.warns(
        UserWarning, match="no memory for 94 images at a time, and continues with 24"
    ):
        parted = dense(**settings).fit(X, y, sample_weight=weight)
    assert max(sizes) <= 24
    assert len(sizes) == 2 * 3 * 4  # epochs, batches, parts: found out once
    for column in ("train_loss", "train_accuracy", "lr"):
        np.testing.assert_allclose(parted.history_[column], whole.history_[column], rtol=1e-4)
    weights = parted.net_.module_.state_dict()
    for name, tensor in whole.net_.module_.state_dict().items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-3, atol=1e-4)


def test_predictions_in_halves_are_the_same(faces, small_device):
    X, y = faces
    model = dense(tta=True).fit(X, y)
    expected = model.predict_proba(X)
    small_device(60)
    with pytest.warns(UserWarning, match="continues with 35. Predictions do not change"):
        found = model.predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(model.predict_proba(X), found)  # and is silent from now on


def test_there_is_a_floor(faces, small_device):
    model = dense(max_epochs=1).fit(*faces)
    sizes = small_device(7)
    with pytest.raises(torch.OutOfMemoryError, match=r"no memory for 9 images .* 1 TiB"):
        model.predict(faces[0])
    with pytest.raises(torch.OutOfMemoryError, match=r"no memory for 12 images .* 1 TiB"):
        dense(max_epochs=1).fit(*faces)
    assert set(sizes) <= {1}  # the look at how much memory an image takes


def test_batch_normalization_sees_the_parts(faces, small_device):
    X, y = faces[0].reshape(-1, 48, 48)[:60, ::3, ::3], faces[1][:60]
    sizes = small_device(30, FastCNN)
    with pytest.warns(UserWarning, match="but batch normalization sees the parts alone"):
        model = FERCNNClassifier(
            "fast", max_epochs=1, batch_size=60, augment=None, device="cpu"
        ).fit(X, y)
    assert sizes == [30, 30]
    assert np.isfinite(model.history_["train_loss"]).all()
