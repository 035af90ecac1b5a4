"""A sample weight of two equals two rows, and a weight of zero equals no row."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.estimators._split import split_validation

NETWORKS = {
    "dense": FERDenseClassifier((32,), max_epochs=3, random_state=0),
    "sequential": FERCNNClassifier("sequential", 0, max_epochs=2, lr=1e-2, random_state=0),
    "fast": FERCNNClassifier("fast", 0, max_epochs=2, random_state=0),
    "vgg": FERCNNClassifier("vgg", 0, max_epochs=2, random_state=0),
}


@pytest.fixture(scope="module")
def small(faces):
    """24 faces of 12x12 pixels and three classes, with weights of 0 to 3."""
    X, y = faces
    rows = np.flatnonzero(np.isin(y, ["happy", "sad", "fear"]))[:24]
    images = X[rows].reshape(-1, 12, 4, 12, 4).mean(axis=(2, 4)).astype(np.float32)
    return images.reshape(24, -1), y[rows], np.random.default_rng(0).integers(0, 4, 24)


@pytest.mark.parametrize("network", NETWORKS)
def test_weighted_rows_are_repeated_rows(network, small):
    X, y, weight = small
    model = clone(NETWORKS[network])
    # Both in one batch: as many rows as count would be cut otherwise than as many as there are.
    model.set_params(augment=None, normalize="dataset", lr_schedule=None, batch_size=128)
    model.set_params(precision="float32")  # sums in another order round differently
    weighted = model.fit(X, y, sample_weight=weight).predict_proba(X)
    repeated = model.fit(X.repeat(weight, axis=0), y.repeat(weight)).predict_proba(X)
    plain = model.fit(X, y).predict_proba(X)
    difference = np.abs(weighted - repeated).max()
    assert difference < 1e-4
    assert np.abs(weighted - plain).max() > 20 * difference


def test_the_scale_of_weights_does_not_matter(small):
    X, y, weight = small
    model = FERCNNClassifier("fast", 0, max_epochs=2, augment=None, random_state=0)
    one = model.fit(X, y, sample_weight=weight).predict_proba(X)
    tiny = model.fit(X, y, sample_weight=weight * 1e-6).predict_proba(X)
    np.testing.assert_allclose(tiny, one, atol=1e-2)


def test_batches_of_one_keep_the_weights(small):
    X, y, _ = small
    heavy = np.where(y == "happy", 100.0, 1.0)
    model = FERDenseClassifier((16,), max_epochs=2, batch_size=1, random_state=0)
    plain = model.fit(X, y).predict_proba(X)[:, 1].mean()
    assert model.fit(X, y, sample_weight=heavy).predict_proba(X)[:, 1].mean() > plain + 0.05


def test_batches_of_one_image_train_every_network(small):
    X, y, _ = small
    for model in NETWORKS.values():
        proba = clone(model).set_params(batch_size=1).fit(X[:3], y[:3]).predict_proba(X)
        assert np.isfinite(proba).all()


def test_bagging_with_batch_norm_stays_finite(small):
    X, y, _ = small
    model = FERCNNClassifier("fast", max_epochs=1, batch_size=4, random_state=0)
    bagging = BaggingClassifier(model, n_estimators=2, max_samples=8, random_state=0).fit(X, y)
    assert np.isfinite(bagging.predict_proba(X)).all()


def test_validation_images_keep_their_weights(faces):
    X, y = faces
    weight = np.where(y == "sad", 50.0, 1.0)
    model = FERDenseClassifier(
        (16,), max_epochs=3, lr=0.01, validation_fraction=0.4, random_state=0
    )
    plain = model.fit(X, y).history_["valid_loss"].iloc[-1]
    weighted = model.fit(X, y, sample_weight=weight).history_["valid_loss"].iloc[-1]
    assert weighted < plain - 0.2  # the network has learnt to say "sad"


def test_columns_of_shares_can_have_any_order(faces):
    X, y = faces
    shares = pd.get_dummies(pd.Series(y)).astype(float)
    model = FERDenseClassifier((16,), max_epochs=2, random_state=0)
    straight = model.fit(X, shares).predict_proba(X)
    turned = model.fit(X, shares[shares.columns[::-1]])
    np.testing.assert_array_equal(turned.classes_, np.unique(y))
    np.testing.assert_array_equal(turned.predict_proba(X), straight)


def test_shares_with_unsorted_classes_are_refused(faces):
    X, _ = faces
    shares = np.tile([0.8, 0.1, 0.1], (len(X), 1))
    with pytest.raises(ValueError, match="are the names of the columns of y and must be sorted"):
        FERDenseClassifier().partial_fit(X, shares, classes=["happy", "angry", "sad"])


def test_validation_split_is_stratified_and_leaves_each_class_an_image():
    labels = np.repeat([0, 1, 2], [70, 20, 10])
    train, valid = split_validation(labels, 0.2, seed=0)
    assert np.bincount(labels[valid]).tolist() in ([14, 4, 2], [14, 4, 2], [15, 4, 1], [14, 5, 1])
    assert len(np.intersect1d(train, valid)) == 0
    pairs = np.repeat(np.arange(30), 2)
    for seed in range(5):
        train, valid = split_validation(pairs, 0.2, seed=seed)
        assert set(pairs[train]) == set(range(30))
        assert len(valid) == 12
