"""The head learns from stored features what it would have learnt from images."""

import contextlib

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EpochScoring
from torch.nn.modules.module import register_module_forward_hook

from sk_fer import FERCNNClassifier, FERFeatures, FERPretrainedClassifier
from sk_fer.estimators import _pretrained
from sk_fer.modules._backbones import OwnBackbone
from sk_fer.training import FERNet, StoredFeatures, _feature_store


@pytest.fixture(scope="module")
def small(faces):
    """70 faces of 24 x 24 pixels: (X, y)."""
    return faces[0].reshape(-1, 48, 48)[:70, ::2, ::2], faces[1][:70]


@pytest.fixture(scope="module")
def first(small):
    """Weights that have learnt a little, so that no feature is all rounding."""
    return FERCNNClassifier(max_epochs=3, batch_size=16, random_state=0, device="cpu").fit(*small)


@pytest.fixture(autouse=True)
def _forget():
    """What a test has read from a store is not known to the next."""
    _feature_store._stored_features.cache_clear()


def head_only(first, **parameters):
    settings = {
        "weights": first,
        "trainable": "head",
        "max_epochs": 3,
        "batch_size": 16,
        "lr": 0.01,
        "augment": None,
        "random_state": 0,
        "device": "cpu",
        "precision": "float32",
    }
    return FERPretrainedClassifier("fast", **settings | parameters)


@contextlib.contextmanager
def counted_images():
    """Count the images that a backbone is run over, but for those that are tried alone."""
    sizes = []

    def note(module, inputs, output):
        if isinstance(module, OwnBackbone) and len(output) > 1:
            sizes.append(len(output))

    hook = register_module_forward_hook(note)
    try:
        yield sizes
    finally:
        hook.remove()


def soft(y):
    """Return shares of the classes, most of it the label's."""
    return 0.7 * pd.get_dummies(y).astype(float) + 0.3 / 7


FITS = {
    "plain": {},
    "validation": {"validation_fraction": 0.3},
    "class weights": {"class_weight": "balanced", "optimizer": "sgd"},
    "sample weights": {"fit": {"sample_weight": np.arange(70) % 3}},
    "soft targets": {"y": soft},
    "X_val": {"fit": {"X_val": 0, "y_val": 0}},
}


@pytest.mark.parametrize(
    ("name", "head", "tolerance"),
    [
        *[(name, "linear", 1e-5) for name in FITS],
        *[(name, "conv", 1e-3) for name in ("plain", "validation", "sample weights")],
    ],
)
def test_as_good_as_without(name, head, tolerance, small, first):
    X, y = small
    options = dict(FITS[name])
    fit = dict(options.pop("fit", {}))
    targets = options.pop("y", np.asarray)(y)
    if "X_val" in fit:
        fit = {"X_val": X[:30], "y_val": y[:30]}
    size = 32 if head == "conv" else None
    options.setdefault("optimizer", "adamw")
    models = {}
    for store in (False, True):
        models[store] = head_only(
            first, head=head, input_size=size, store_features=store, dropout=0.3, **options
        )
        with counted_images() as sizes:
            models[store].fit(X, targets, **fit)
        n_images = np.count_nonzero(fit.get("sample_weight", np.ones(70)))
        n_seen = 70 if "validation_fraction" in options else n_images + 30 * ("X_val" in fit)
        assert sum(sizes) == n_seen * (1 if store else 3)
    plain, stored = models[False], models[True]
    np.testing.assert_allclose(stored.predict_proba(X), plain.predict_proba(X), atol=tolerance)
    histories = [m.history_.drop(columns=["seconds", "lr"]) for m in (plain, stored)]
    losses = [h[[c for c in h if c.endswith("loss")]] for h in histories]
    np.testing.assert_allclose(*losses, atol=10 * tolerance)
    assert histories[0].columns.tolist() == histories[1].columns.tolist()
    if name == "plain":
        start = head_only(first, head=head, input_size=size, lr=1e-20, max_epochs=1).fit(X, y)
        moved = np.abs(start.predict_proba(X) - plain.predict_proba(X)).max()
        assert moved > 20 * tolerance


class See(Callback):
    """Note the features of the first batch of each epoch, in the order of the images."""

    def on_train_begin(self, net, X=None, **kwargs):
        self.dataset, self.epochs = X, []

    def on_epoch_begin(self, net, **kwargs):
        self.epochs.append([])

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        if training:
            self.epochs[-1].append(batch[0]["features"].clone())


def test_the_views_are_used_in_turn(small, first):
    X, y = small
    see = See()
    model = head_only(first, augment={"flip": 0.5, "shift": 0.2}, n_views=3, max_epochs=7)
    model.set_params(callbacks=[see], batch_size=70, validation_fraction=None)
    with counted_images() as sizes:
        model.fit(X, y)
    assert sum(sizes) == 3 * 70
    assert isinstance(see.dataset, StoredFeatures)
    assert (len(see.dataset), see.dataset.n_views, see.dataset.X.shape) == (70, 3, (210, 256))
    views = see.dataset.X.reshape(3, 70, 256)
    assert not np.allclose(views[0], views[1])
    used = []
    for ((batch,),) in zip(see.epochs, strict=True):
        rows = [np.flatnonzero((row == see.dataset.X).all(1)) for row in batch.numpy()]
        view = {int(row[0]) // 70 for row in rows}
        assert sorted(int(row[0]) % 70 for row in rows) == list(range(70))
        assert len(view) == 1
        used += view
    assert used in ([0, 1, 2] * 2 + [0], [1, 2, 0] * 2 + [1], [2, 0, 1] * 2 + [2])
    again = head_only(first, augment={"flip": 0.5, "shift": 0.2}, n_views=3, max_epochs=7)
    again.set_params(batch_size=70).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_no_more_views_than_epochs(small, first):
    X, y = small
    model = head_only(first, augment="auto", n_views=8, max_epochs=2, warm_start=True)
    with counted_images() as sizes:
        model.fit(X, y)
        assert sum(sizes) == 2 * 70
        model.partial_fit(X, y)
        assert sum(sizes) == 3 * 70
        model.fit(X, y)
        assert sum(sizes) == 5 * 70


def test_scores_on_stored_views(small, first):
    X, y = small
    scoring = EpochScoring("accuracy", name="again", on_train=True, lower_is_better=False)
    model = head_only(first, augment={"flip": 1.0}, n_views=2, callbacks=[scoring]).fit(X, y)
    history = model.history_
    np.testing.assert_allclose(history["again"], history["train_accuracy"], atol=1e-6)


@pytest.mark.parametrize(("limit", "n_passes"), [(4 * 256 * 70 - 1, 3), (4 * 256 * 70, 1)])
def test_too_many_features_are_not_stored(limit, n_passes, small, first, monkeypatch):
    monkeypatch.setattr(_pretrained, "FEATURE_BYTES", limit)
    too_many = pytest.warns(UserWarning, match="runs in each epoch: the features of 70 images take")
    with counted_images() as sizes, too_many if n_passes > 1 else contextlib.nullcontext():
        head_only(first).fit(*small)
    assert sum(sizes) == n_passes * 70


def test_an_error_on_the_way_to_the_features_leaves_the_fit_before(small, first, monkeypatch):
    X, y = small
    model = head_only(first).fit(X, y)
    before = model.predict_proba(X)

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(FERNet, "features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(random_state=1).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.n_epochs_ == 3


def test_pooled_features_are_what_a_linear_head_takes(small, first, tmp_path):
    X, y = small
    model = head_only(first, memory=tmp_path)
    with counted_images() as sizes:
        model.fit(X, y).transform(X)
        FERFeatures("fast", weights=first, memory=tmp_path, device="cpu").fit_transform(X)
    assert sum(sizes) == 70


def test_nothing_is_stored_where_the_backbone_learns(small, first, tmp_path):
    for trainable in ("last_stage", "all", {1: "head", 2: "all"}):
        model = head_only(first, trainable=trainable, memory=tmp_path, max_epochs=2).fit(*small)
        model.predict(small[0])
        model.transform(small[0])
    assert list(tmp_path.iterdir()) == []


# -- memory -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "memory", [str, lambda folder: folder, lambda folder: joblib.Memory(folder, verbose=0)]
)
def test_memory_keeps_features_between_fits(memory, small, first, tmp_path):
    X, y = small
    plain = head_only(first).fit(X, y)
    model = head_only(first, memory=memory(tmp_path))
    probabilities, features = plain.predict_proba(X), plain.transform(X)
    with counted_images() as sizes:
        model.fit(X, y)
        np.testing.assert_allclose(model.predict_proba(X), probabilities, atol=1e-5)
        head_only(first, memory=tmp_path, lr=0.1, dropout=0.0).fit(X[::2], y[::2])
        head_only(first, memory=tmp_path, validation_fraction=0.3).fit(X, y)
    assert sum(sizes) == 70
    with counted_images() as sizes:
        # Pooled features are other ones than those of a map, and kept as well.
        np.testing.assert_allclose(model.transform(X), features, atol=1e-4)
        before = sum(sizes)
        model.transform(X[3:])
        head_only(first, memory=tmp_path, normalize="none").fit(X, y)
        assert sum(sizes) == before + 70  # images that are normalized otherwise are others
        model.predict(X[:35, ::-1])
        assert sum(sizes) == before + 70 + 35
    assert any(tmp_path.rglob("*.features"))


GRID = {"dropout": [0.0, 0.2, 0.5], "lr": [0.01, 0.1], "label_smoothing": [0.0, 0.1]}


def test_a_search_over_the_head_runs_the_backbone_once(small, first, tmp_path):
    X, y = small
    model = head_only(first, max_epochs=1, memory=tmp_path)
    search = GridSearchCV(model, GRID, cv=5, error_score="raise")
    with counted_images() as sizes:
        search.fit(X, y)
    assert len(search.cv_results_["params"]) * search.n_splits_ == 60
    assert sum(sizes) == len(X) == 70
    assert search.best_score_ > 1 / 7


def test_the_fits_of_a_search_share_the_features_at_once(small, first, tmp_path):
    X, y = small
    model = head_only(first, max_epochs=1, memory=tmp_path)
    search = GridSearchCV(model, {"lr": [0.01, 0.1]}, cv=2, n_jobs=2, error_score="raise")
    with counted_images() as sizes, parallel_config("threading"):
        search.fit(X, y)
    assert sum(sizes) == 70
    alone = GridSearchCV(model.set_params(memory=None), {"lr": [0.01, 0.1]}, cv=2).fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], atol=0.02
    )
    kept = [_feature_store._read(file)[1] for file in tmp_path.rglob("*.features")]
    assert sum(map(len, kept)) == 70


def test_other_weights_have_other_features(small, first, tmp_path):
    X, y = small
    first_probabilities = head_only(first, memory=tmp_path).fit(X, y).predict_proba(X)
    other = FERCNNClassifier(max_epochs=1, random_state=1, device="cpu").fit(X, y)
    found = head_only(other, memory=tmp_path).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(found, head_only(other).fit(X, y).predict_proba(X), atol=1e-5)
    assert np.abs(found - first_probabilities).max() > 1e-3


def test_a_fit_that_trained_all_before_is_another_backbone(small, first, tmp_path):
    X, y = small
    model = head_only(first, memory=tmp_path).fit(X, y)
    model.set_params(warm_start=True, trainable="all").fit(X, y)
    learnt = model.predict_proba(X)
    model.set_params(trainable="head")
    np.testing.assert_allclose(model.predict_proba(X), learnt, atol=1e-5)
    assert torch.isfinite(torch.from_numpy(learnt)).all()


def test_a_step_does_not_go_through_all_layers_of_the_backbone(small, first, monkeypatch):
    modes = []

    def note(module, mode=True):
        modes.append(mode)
        return train(module, mode)

    train = OwnBackbone.train
    monkeypatch.setattr(OwnBackbone, "train", note)
    head_only(first, max_epochs=3, batch_size=2).fit(*small)  # 105 steps
    assert len(modes) < 35  # the steps of one epoch


def test_a_head_that_diverges_gets_its_weights_back_and_training_can_go_on(small, first):
    class Spoil(Callback):
        def on_batch_end(self, net, training, **kwargs):
            if training and len(net.history) == 3:
                with torch.no_grad():
                    net.module_.network.head[-1].weight[0] = torch.inf

    good = head_only(first, max_epochs=2, lr_schedule=None).fit(*small)
    model = head_only(first, max_epochs=4, lr_schedule=None, callbacks=[Spoil()])
    with pytest.raises(ValueError, match="in epoch 3, batch"):
        model.fit(*small)
    assert model.n_epochs_ == 2
    np.testing.assert_array_equal(model.predict_proba(small[0]), good.predict_proba(small[0]))
