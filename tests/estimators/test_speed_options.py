"""Options that make fits and predictions faster do not change the results."""

import numpy as np
import pytest
import torch

from sk_fer import FERCNNClassifier, FERDenseClassifier


@pytest.fixture(scope="module")
def fitted(faces):
    X, y = faces
    model = FERDenseClassifier((64,), max_epochs=30, batch_size=128, random_state=0, device="cpu")
    return model.fit(X, y), X


def mirrored(X):
    return X.reshape(len(X), 48, 48)[:, :, ::-1].reshape(X.shape)


def test_predictions_follow_the_weights(fitted):
    model, X = fitted
    before = model.predict_proba(X)
    layer = model.net_.module_.network.features[1]
    with torch.no_grad():
        layer.weight.mul_(-1)
    assert np.abs(model.predict_proba(X) - before).max() > 0.01
    with torch.no_grad():
        layer.weight.mul_(-1)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_large_and_small_batches_predict_the_same(fitted, monkeypatch):
    model, X = fitted
    whole = model.predict_proba(X)
    monkeypatch.setattr(model.net_.evaluation_, "batch_size", lambda *_: 7)
    np.testing.assert_allclose(model.predict_proba(X), whole, atol=1e-6)


def test_a_compiled_network_keeps_its_keys(faces, monkeypatch):
    X, y = faces
    compiled = []
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda module, **options: compiled.append(type(module).__name__)
    )
    model = FERCNNClassifier("sequential", max_epochs=1, compile=True).fit(X[:40], y[:40])
    assert compiled == ["SequentialCNN"]
    assert all(key.startswith(("network.", "prepare.")) for key in model.net_.module_.state_dict())
