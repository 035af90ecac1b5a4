"""The head learns from stored features what it would have learnt from images."""

import contextlib

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.callbacks import Callback
from torch.nn.modules.module import register_module_forward_hook

from sk_fer import FERCNNClassifier, FERPretrainedClassifier
from sk_fer.estimators import _fine_tuning
from sk_fer.modules._backbones import OwnBackbone
from sk_fer.training import FERNet


@pytest.fixture(scope="module")
def first(small):
    """Weights that have learnt a little, so that no feature is all rounding."""
    return FERCNNClassifier(max_epochs=3, batch_size=16, random_state=0, device="cpu").fit(*small)


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
        # A backbone that would learn in an epoch that never comes runs in each epoch.
        trainable = "head" if store else {1: "head", 1000: "all"}
        models[store] = head_only(
            first, head=head, input_size=size, trainable=trainable, dropout=0.3, **options
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


@pytest.mark.parametrize(("limit", "n_passes"), [(4 * 256 * 70 - 1, 3), (4 * 256 * 70, 1)])
def test_too_many_features_are_not_kept(limit, n_passes, small, first, monkeypatch):
    monkeypatch.setattr(_fine_tuning, "FEATURE_BYTES", limit)
    too_many = pytest.warns(UserWarning, match="because the features of 70 images need")
    with counted_images() as sizes, too_many if n_passes > 1 else contextlib.nullcontext():
        head_only(first).fit(*small)
    assert sum(sizes) == n_passes * 70


def test_an_error_on_the_way_to_the_features_leaves_the_fit_before(small, first, monkeypatch):
    X, y = small
    model = head_only(first).fit(X, y)
    before = model.predict_proba(X)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(FERNet, "features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(random_state=1).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.n_epochs_ == 3


@pytest.mark.parametrize(
    "parameters",
    [
        {"trainable": "last_stage"},
        {"trainable": "all"},
        {"trainable": {1: "head", 2: "all"}},
        {"augment": {"flip": 0.5}},
    ],
    ids=str,
)
def test_the_backbone_runs_in_each_epoch_where_its_features_change(parameters, small, first):
    with counted_images() as sizes:
        head_only(first, max_epochs=2, **parameters).fit(*small)
    assert sum(sizes) == 2 * 70


def test_a_step_does_not_go_through_all_layers_of_the_backbone(small, first, monkeypatch):
    modes = []

    def note(module, mode=True):
        modes.append(mode)
        return train(module, mode)

    train = OwnBackbone.train
    monkeypatch.setattr(OwnBackbone, "train", note)
    head_only(first, max_epochs=3, batch_size=2).fit(*small)  # 105 steps
    assert len(modes) < 35  # the steps of one epoch


def test_a_diverged_head_is_restored_and_training_can_continue(small, first):
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
