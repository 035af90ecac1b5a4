"""FERPretrainedClassifier: trained parts, learning rates, and its use as an estimator."""

import pickle
from functools import partial
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sk_fer import (
    FEREfficientNetB2Classifier,
    FERPretrainedClassifier,
    FERResNet50Classifier,
)
from sk_fer.estimators import _fine_tuning

from ..helpers import dense, pretrained

pytest.importorskip("timm", reason="needs sk_fer[pretrained]")


def state(model):
    return {k: v.clone() for k, v in model.net_.module_.state_dict().items()}


# -- what learns ------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adam", "muon", "sgd"])
def test_every_optimizer_trains_unfrozen_layers(optimizer, small):
    schedule = {1: "head", 2: "last_stage", 3: "all"}
    model = pretrained(trainable=schedule, optimizer=optimizer, max_epochs=3).fit(*small)
    assert np.isfinite(model.history_["train_loss"]).all()


class Watch(Callback):
    """Note what has gradients, what is in training mode and what has moved in each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.epochs = []

    def on_epoch_begin(self, net, **kwargs):
        self.before = {k: v.clone() for k, v in net.module_.state_dict().items()}

    def on_grad_computed(self, net, **kwargs):
        backbone = net.module_.network.backbone
        self.has_gradients = {
            name for name, p in net.module_.named_parameters() if p.grad is not None
        }
        self.layer1_trains, self.layer4_trains = backbone.layer1.training, backbone.layer4.training
        norms = [m for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        self.norms_train = {m.training for m in norms}
        assert net.module_.network.head.training

    def on_epoch_end(self, net, **kwargs):
        after = net.module_.state_dict()
        moved = {k for k, v in self.before.items() if not torch.equal(v, after[k])}
        self.epochs.append((moved, self.has_gradients, self.layer1_trains, self.layer4_trains))


def parts(names):
    """Return which of the head and four stages the names of weights and statistics are of."""
    names = (name.removeprefix("network.").removeprefix("backbone.") for name in names)
    return {name.split(".")[0] for name in names} - {"conv1", "bn1"}


HEAD, LAST = {"head"}, {"head", "layer4"}
ALL = {"head", "layer1", "layer2", "layer3", "layer4"}


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [
        ("head", [HEAD, HEAD]),
        ("last_stage", [LAST, LAST]),
        ("all", [ALL, ALL]),
        ({1: "head", 2: "last_stage", 4: "all"}, [HEAD, LAST, LAST, ALL]),
        ({3: "head", 1: "all"}, [ALL, ALL, HEAD]),
    ],
    ids=["head", "last stage", "all", "thawing", "freezing"],
)
def test_gradients_and_changes_in_each_epoch(trainable, expected, small):
    watch = Watch()
    model = pretrained(
        "test_resnet",
        trainable=trainable,
        max_epochs=len(expected),
        augment={"flip": 0.5},
        callbacks=[watch],
        weight_decay=0.1,
        lr=0.01,
    ).fit(*small)
    for (moved, with_gradients, layer1, layer4), parts_wanted in zip(
        watch.epochs, expected, strict=True
    ):
        # Statistics, weight decay and momentum do not change frozen parts.
        assert parts(moved) == parts(with_gradients) == parts_wanted
        assert ("network.backbone.conv1.0.weight" in moved) == (parts_wanted == ALL)
        assert layer1 == ("layer1" in parts_wanted)
        assert layer4 == ("layer4" in parts_wanted)
    assert model.n_epochs_ == len(expected)


@pytest.mark.parametrize(
    ("freeze", "with_weights", "few", "frozen"),
    [
        ("auto", True, 71, True),
        ("auto", True, 70, False),
        ("auto", False, 71, False),
        (True, False, 0, True),
        (False, True, 71, False),
    ],
)
def test_batch_norm_is_frozen_for_few_images(freeze, with_weights, few, frozen, small, monkeypatch):
    monkeypatch.setattr(_fine_tuning, "FEW_IMAGES", few)
    first = pretrained("test_resnet", max_epochs=1).fit(*small)
    watch = Watch()
    model = pretrained(
        "test_resnet",
        weights=first if with_weights else None,
        freeze_batch_norm=freeze,
        callbacks=[watch],
        max_epochs=1,
        lr=0.01,
    ).fit(*small)
    assert watch.norms_train == {not frozen}
    moved, with_gradients, *_ = watch.epochs[0]
    assert any("running_mean" in name for name in moved) != frozen
    assert any("num_batches_tracked" in name for name in moved) != frozen
    assert "network.backbone.conv1.1.weight" in with_gradients
    if with_weights and frozen:
        name = "network.backbone.conv1.1.running_mean"
        assert torch.equal(state(model)[name], state(first)[name])


class Rates(Callback):
    def on_train_begin(self, net, **kwargs):
        self.rates = []

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.rates.append([group["lr"] for group in net.optimizer_.param_groups])


@pytest.mark.parametrize("lr_schedule", ["one_cycle", "cosine", "step", "plateau", None])
def test_the_backbone_learns_at_its_own_rate(lr_schedule, small):
    rates = Rates()
    # The loss does not decrease at this rate, for "plateau".
    model = pretrained(
        trainable={1: "head"},
        lr=1e-6,
        lr_schedule=lr_schedule,
        backbone_lr_factor=0.25,
        max_epochs=8,
        dropout=0.0,
        callbacks=[rates],
    ).fit(*small)
    found = np.array(rates.rates)
    np.testing.assert_allclose(found[:, 2:], found[:, :2] * 0.25, rtol=1e-6)
    assert (found[:, 0].max() > 5 * found[:, 0].min()) == (lr_schedule is not None)
    assert found.max() == pytest.approx(1e-6, rel=0.1)
    np.testing.assert_array_equal(model.history_["lr"], found[4::5, 0])


def test_a_small_factor_moves_the_backbone_less(small):
    first = pretrained(max_epochs=1).fit(*small)
    distances = []
    for factor in (1.0, 0.01):
        model = pretrained(weights=first, backbone_lr_factor=factor, lr=1e-3).fit(*small)
        before, after = (state(m)["network.backbone.stem.conv.weight"] for m in (first, model))
        distances.append((after - before).norm())
    assert 0 < distances[1] < 0.05 * distances[0]


def test_partial_fit_takes_the_first_part_of_a_schedule(small):
    X, y = small
    model = pretrained(trainable={1: "head", 2: "all"})
    model.partial_fit(X, y, classes=np.unique(y))
    before = state(model)
    model.partial_fit(X, y)
    moved = {k for k, v in state(model).items() if not torch.equal(v, before[k])}
    assert {name.split(".")[1] for name in moved} == {"head"}
    assert model.n_epochs_ == 2


# -- sizes and stems ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "feature_map"),
    [
        ({"backbone": "test_resnet", "input_size": "auto"}, (96, 3, 3)),
        ({"backbone": "test_resnet", "input_size": 48}, (96, 2, 2)),
        ({"backbone": "test_resnet", "input_size": None, "stem": "no_pool"}, (96, 2, 2)),
        (
            {"backbone": "test_efficientnet", "input_size": (32, 64), "stem": "no_stride"},
            (256, 2, 4),
        ),
        ({"input_size": "auto", "head": "linear"}, (256, 1, 1)),
        ({"input_size": (40, 33), "head": "conv"}, (256, 2, 2)),
        ({"backbone": "test_convnext", "input_size": 64, "head": "conv"}, (64, 2, 2)),
        ({"backbone": "test_vit", "input_size": (32, 48)}, (7, 64)),
    ],
    ids=str,
)  # fmt: skip
def test_sizes_and_stems(parameters, feature_map, small):
    model = pretrained(**{"max_epochs": 1, **parameters}).fit(*small)
    assert model.net_.module_.network.feature_shape == feature_map
    probabilities = model.predict_proba(small[0])
    assert probabilities.shape == (70, 7)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(small[0]), probabilities)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"backbone": "resnet5"}, "got backbone='resnet5', which timm .* does not .*'resnet50'"),
        ({"backbone": "hf-hub:timm/resnet50"}, "got backbone='hf-hub:timm/resnet50', expected a"),
        ({"backbone": "../resnet50"}, "got backbone='../resnet50', expected a nam"),
        ({"input_size": 8}, "backbone='fast' cannot process images of 8 x 8 pixels: "),
        ({"backbone": "test_vit", "input_size": 40}, "trained on 160 x 160.: .*; set input"),
        ({"head": "conv"}, "head='conv' needs a feature map of at least 2 x 2, .* set a la"),
        ({"backbone": "test_vit", "head": "conv"}, "head='conv' needs a feature map of sha"),
        ({"stem": "no_pool"}, "backbone='fast' has no max-pool in its stem"),
        ({"backbone": "test_resnet", "input_size": (32,)}, r"got input_size=\(32,\), expected"),
        ({"input_size": (32, 0)}, r"input_size=\(32, 0\), expected \(height, width\)"),
        ({"input_size": (32, True)}, r"input_size=\(32, True\), expected \(height, width\)"),
        ({"trainable": {2: "head"}}, r"trainable=\{2: 'head'\}; expected .*, including epoch 1"),
        ({"trainable": {1: "tail"}}, "trainable={1: 'tail'}; expected the part that is trained"),
        ({"trainable": {1: "head", 2.5: "all"}}, "expected the part that is trained"),
        ({"trainable": {1: "head", 0: "all"}}, "expected the part that is trained"),
        ({"trainable": {}}, "expected the part that is trained"),
    ],
    ids=str,
)  # fmt: skip
def test_refused_before_any_training(parameters, words, small):
    model = pretrained(**parameters, callbacks=[Watch()])
    with pytest.raises(ValueError, match=words):
        model.fit(*small)
    assert vars(model).keys() == vars(pretrained()).keys()


# -- an estimator -----------------------------------------------------------------------------


def test_equal_seeds_give_equal_bits_and_leave_the_global_state(small):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    parameters = {"backbone": "test_resnet", "augment": "auto", "dropout": 0.5}
    first, second = (pretrained(**parameters).fit(*small) for _ in range(2))
    for name, value in state(first).items():
        assert torch.equal(value, state(second)[name])
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    other = pretrained(**parameters, random_state=1).fit(*small)
    assert not np.array_equal(other.predict_proba(small[0]), first.predict_proba(small[0]))


def test_files_of_pickle_and_joblib(small, tmp_path):
    first = pretrained().fit(*small)
    model = pretrained(weights=first, head="conv", input_size=32, trainable="head").fit(*small)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(small[0]), model.predict_proba(small[0]))
    np.testing.assert_array_equal(loaded.transform(small[0]), model.transform(small[0]))
    assert loaded.history_.equals(model.history_)
    assert loaded.partial_fit(*small).n_epochs_ == 3


@pytest.mark.parametrize("trainable", ["head", "all"])
def test_warm_start_goes_on(trainable, small):
    X, y = small
    model = pretrained(trainable=trainable, warm_start=True, lr_schedule=None).fit(X, y)
    loss = model.history_["train_loss"].iloc[0]
    module = model.net_.module_
    model.fit(X, y)
    assert model.net_.module_ is module
    assert model.n_epochs_ == 4
    assert model.history_["train_loss"].iloc[-1] < loss
    model.set_params(trainable="all").fit(X, y)
    with pytest.raises(ValueError, match="cannot continue the fitted network, because options was"):
        model.set_params(head="conv").fit(X, y)
    assert model.n_epochs_ == 6


@pytest.mark.parametrize("trainable", ["head", "all"])
def test_early_stopping_keeps_the_best(trainable, small):
    X, y = small
    model = pretrained(
        trainable=trainable,
        early_stopping=True,
        n_iter_no_change=2,
        max_epochs=40,
        lr=0.03,
        lr_schedule=None,
    ).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert model.n_epochs_ < 40
    best = model.history_["valid_accuracy"][model.history_["valid_loss"].idxmin()]
    assert model.score(X[40:], y[40:]) == pytest.approx(best, abs=1e-6)


def test_mirror_images_in_prediction(small):
    X, y = small
    model = pretrained(trainable="head").fit(X, y)
    plain, mirrored = model.predict_proba(X), model.predict_proba(X[:, :, ::-1])
    found = model.set_params(tta=True).predict_proba(X)
    np.testing.assert_allclose(found, (plain + mirrored) / 2, atol=1e-5)


def test_transform_gives_the_pooled_features(small):
    X, y = small
    model = pretrained("test_resnet", max_epochs=1).fit(X, y)
    features = model.transform(X)
    assert (features.shape, features.dtype) == ((70, 96), np.float32)
    names = model.get_feature_names_out()
    assert names[[0, -1]].tolist() == ["ferpretrainedclassifier0", "ferpretrainedclassifier95"]
    table = model.set_output(transform="pandas").transform(X)
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == names.tolist()
    np.testing.assert_array_equal(table, features)
    head = model.net_.module_.network.head
    logits = torch.from_numpy(features) @ head[1].weight.detach().T + head[1].bias.detach()
    np.testing.assert_allclose(logits.softmax(1), model.predict_proba(X), atol=1e-5)
    stacked = make_pipeline(pretrained(max_epochs=1), LogisticRegression(max_iter=500))
    assert stacked.fit(X, y).score(X, y) > 0.2


THIN = {"resnet50": FERResNet50Classifier, "efficientnet_b2": FEREfficientNetB2Classifier}


@pytest.mark.parametrize("backbone", THIN)
def test_thin_subclasses_are_estimators(backbone):
    model = THIN[backbone](weights=None, lr=0.5)
    base = FERPretrainedClassifier(backbone, weights=None, lr=0.5)
    assert model.get_params() == base.get_params()
    assert THIN[backbone]().get_params() == FERPretrainedClassifier(backbone).get_params()
    assert clone(model).get_params() == model.get_params()
    assert clone(model.set_params(backbone="fast")).backbone == "fast"
    assert repr(THIN[backbone](weights=None)) == f"{THIN[backbone].__name__}(weights=None)"
    assert pickle.loads(pickle.dumps(model)).lr == 0.5
    search = GridSearchCV(model, {"head": ["linear", "conv"]})
    assert clone(search).estimator.get_params() == model.get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'speed'"):
        model.set_params(speed=3)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", THIN)
def test_the_real_ones(backbone, small, tmp_path):
    X, y = small[0][:14], np.arange(14) % 7
    model = THIN[backbone](
        weights=None, head="conv", input_size=64, max_epochs=1, random_state=0, batch_size=7
    )
    rgb = np.repeat(X[..., None], 3, axis=3)
    model.fit(rgb, y)
    network = model.net_.module_.network
    assert network.feature_shape == (network.n_features, 2, 2)
    classifier = 1000 * (network.n_features + 1)
    n_parameters = sum(p.numel() for p in network.backbone.parameters()) + classifier
    assert n_parameters == {"resnet50": 25_557_032, "efficientnet_b2": 9_109_994}[backbone]
    assert all(p.grad is not None for p in network.parameters())
    assert np.isfinite(model.history_["train_loss"]).all()
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(rgb), model.predict_proba(rgb))


# -- predictions while it learns --------------------------------------------------------------


class Predict(Callback):
    """Ask for probabilities after each epoch, of the estimator and of the net."""

    def on_epoch_end(self, net, **kwargs):
        self.seen.append((self.model.predict_proba(self.X), net.predict_proba(self.images)))


all_of_it = partial(pretrained, max_epochs=3, lr=0.01)
head_alone = partial(all_of_it, trainable="head")


@pytest.mark.parametrize(
    ("make", "optimizer"),
    [
        *((partial(dense, max_epochs=3, lr=0.01), name) for name in ("adam", "sgd", "muon")),
        (all_of_it, "adamw"),
        (head_alone, "sgd"),
    ],
)
def test_predictions_in_the_middle_of_a_fit_are_current(make, optimizer, small):
    X, y = small
    predict = Predict()
    predict.X, predict.images, predict.seen = X, X[..., None], []
    predict.model = model = make(optimizer=optimizer, callbacks=[predict])
    model.fit(X, y)
    for probabilities, of_net in predict.seen:
        np.testing.assert_allclose(of_net, probabilities, atol=1e-6)
    epochs = [probabilities for probabilities, _ in predict.seen]
    assert all(np.abs(a - b).max() > 1e-4 for a, b in pairwise(epochs))
    model.callbacks = None
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(epochs[-1], model.predict_proba(X))


def test_flat_rows_of_rgb_pixels_need_image_shape(faces):
    X = np.repeat(faces[0][:14], 3, axis=1)
    with pytest.raises(ValueError, match=r"has 6912 features, .*image_shape=\(48, 48, 3\)"):
        FERPretrainedClassifier("fast", weights=None, max_epochs=1).fit(X, faces[1][:14])
