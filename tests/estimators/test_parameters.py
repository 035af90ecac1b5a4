"""The parameters of all classifiers: documentation, constraints, effects."""

import inspect
import pickle
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone

import sk_fer
from sk_fer import (
    FERCNNClassifier,
    FERDenseClassifier,
    FERFeatures,
    FERPretrainedClassifier,
    load_model,
    make_classifier,
    save_model,
)
from sk_fer.estimators import NETWORKS
from sk_fer.estimators._parameters import (
    SHARED_CONSTRAINTS,
    SHARED_PARAMETERS,
    resolve_optimizer_settings,
)

from ..helpers import dense

CLASSIFIERS = [FERCNNClassifier, FERDenseClassifier]


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_every_parameter_is_documented_and_constrained(kind):
    names = set(inspect.signature(kind).parameters)
    documented = set(re.findall(r"^    (\w+) : ", kind.__doc__.split("Attributes\n")[0], re.M))
    assert documented == names
    assert set(kind._parameter_constraints) == names


def test_shared_parameters_are_those_that_all_share():
    shared = set.intersection(*(set(inspect.signature(k).parameters) for k in CLASSIFIERS))
    assert set(SHARED_CONSTRAINTS) == shared - {"dropout"}
    assert set(re.findall(r"^(\w+) : ", SHARED_PARAMETERS, re.M)) == set(SHARED_CONSTRAINTS)


def test_exports_exist():
    assert all(hasattr(sk_fer, name) for name in sk_fer.__all__)


X = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
Y = np.arange(40) % 2


# -- what "auto" stands for ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "lr", "momentum", "weight_decay"),
    [
        ("muon", 0.1, 0.6, 0.05),
        ("sgd", 0.02, 0.9, 5e-4),
        ("adam", 1e-3, None, 0.0),
        ("adamw", 1e-3, None, 0.01),
        ("rmsprop", 1e-3, 0.0, 0.0),
        ("adagrad", 0.01, None, 0.0),
    ],
)
@pytest.mark.parametrize("kind", [FERCNNClassifier, FERDenseClassifier])
def test_rates_follow_the_optimizer(kind, optimizer, lr, momentum, weight_decay):
    model = kind(optimizer=optimizer, max_epochs=1, lr_schedule=None, random_state=0).fit(X, Y)
    assert type(model.net_.optimizer_).__name__.lower() == optimizer
    decayed, others = model.net_.optimizer_.param_groups
    assert (decayed["lr"], decayed.get("momentum")) == (lr, momentum)
    assert (decayed["weight_decay"], others["weight_decay"]) == (weight_decay, 0.0)
    assert model.history_["lr"].tolist() == [lr]
    assert (model.lr, model.momentum, model.weight_decay) == ("auto",) * 3


def test_what_is_given_goes_before_the_table():
    model = dense(optimizer="sgd", lr=np.float32(0.5), momentum=0, weight_decay=1)
    assert resolve_optimizer_settings(model.get_params()) == (0.5, 0.0, 1.0)


def test_defaults_and_presets_keep_their_rates():
    rates = {
        "fast": (0.1, 0.6, 0.05),
        "accurate": (0.1, 0.6, 0.05),
        "dense": (1e-3, 0.0, 1e-4),
        "sequential": (1e-3, 0.0, 0.0),
        "vgg": (1e-3, 0.0, 0.0),
        "resnet50": (1e-3, 0.0, 0.01),
        "resnet50_conv": (1e-3, 0.0, 0.0),
        "efficientnet_b2": (1e-3, 0.0, 0.01),
        "pretrained": (1e-3, 0.0, 0.01),
    }
    assert {
        name: resolve_optimizer_settings(make_classifier(name).get_params()) for name in NETWORKS
    } == rates
    assert resolve_optimizer_settings(FERDenseClassifier().get_params()) == (1e-3, 0.0, 0.0)


def test_auto_and_its_value_are_one_training(tmp_path):
    settings = {"random_state": 0, "checkpoint": tmp_path}
    first = dense(**settings).fit(X, Y)
    again = dense(lr=1e-3, weight_decay=0.0, **settings).fit(X, Y)
    assert again.history_["seconds"].tolist() == first.history_["seconds"].tolist()  # not redone
    with pytest.raises(ValueError, match=r"lr was 0\.001 and is 0\.02"):
        dense(optimizer="sgd", **settings).fit(X, Y)


# -- forms of parameters ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [dense, lambda **settings: FERFeatures("fast", weights=None, input_size=16, **settings)],
    ids=["classifier", "features"],
)
def test_device_may_be_a_torch_device(make):
    device = torch.device("cpu")
    model = make(device=device, random_state=0)
    assert clone(model).device == device
    model.fit(X, Y)
    method = "predict_proba" if hasattr(model, "predict_proba") else "transform"
    expected = getattr(make(device="cpu", random_state=0).fit(X, Y), method)(X)
    np.testing.assert_array_equal(getattr(model, method)(X), expected)
    np.testing.assert_array_equal(getattr(pickle.loads(pickle.dumps(model)), method)(X), expected)


def test_a_torch_device_goes_into_a_model_file(tmp_path):
    model = dense(device=torch.device("cpu"), random_state=0).fit(X, Y)
    save_model(model, tmp_path / "model.skfer")
    loaded = load_model(tmp_path / "model.skfer")
    assert loaded.device == "cpu"
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(
    ("given", "same_as"), [(False, None), (np.False_, None), (True, "auto"), ({}, None)]
)
def test_augment_may_be_a_bool(given, same_as):
    fits = [FERCNNClassifier(augment=a, max_epochs=1, random_state=0) for a in (given, same_as)]
    first, second = (model.fit(X, Y).predict_proba(X) for model in fits)
    np.testing.assert_array_equal(first, second)
    assert bool(fits[0].net_.augmentation) == (same_as == "auto")


@pytest.mark.parametrize("size", [8, np.int64(8)])
def test_one_hidden_layer_may_be_a_number(size, tmp_path):
    model = dense(hidden_layer_sizes=size, random_state=0).fit(X, Y)
    expected = dense(hidden_layer_sizes=(8,), random_state=0).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    save_model(model, tmp_path / "model.skfer")
    np.testing.assert_array_equal(load_model(tmp_path / "model.skfer").predict_proba(X), expected)


@pytest.mark.parametrize("size", [16, np.int64(16), (16, 16), [np.int64(16), 16]])
def test_input_size_may_be_a_side(size):
    model = FERPretrainedClassifier("fast", weights=None, input_size=size, max_epochs=1)
    assert model.fit(X, Y).net_.module_.prepare.input_size == (16, 16)


# -- early stopping --------------------------------------------------------------------------


def test_early_stopping_sets_a_tenth_aside_by_default(faces):
    faces, y = faces
    settings = {"max_epochs": 3, "random_state": 0}
    alone = dense(early_stopping=True, **settings).fit(faces, y)
    told = dense(early_stopping=True, validation_fraction=0.1, **settings).fit(faces, y)
    assert alone.validation_fraction is None
    assert alone.history_["valid_loss"].notna().all()
    np.testing.assert_array_equal(alone.predict_proba(faces), told.predict_proba(faces))
    given = dense(early_stopping=True, **settings).fit(faces, y, X_val=faces, y_val=y)
    assert given.history_["valid_accuracy"].iloc[-1] == pytest.approx(given.score(faces, y))


# -- logarithms ------------------------------------------------------------------------------


@pytest.mark.parametrize("tta", [False, True])
def test_predict_log_proba(tta, faces):
    faces, y = faces
    model = dense(max_epochs=5, lr=0.03, tta=tta, random_state=0).fit(faces, y)
    logarithms = model.predict_log_proba(faces)
    assert logarithms.dtype == np.float32
    np.testing.assert_allclose(np.exp(logarithms), model.predict_proba(faces), atol=1e-6)
    with torch.no_grad():  # probabilities that float32 rounds to zero
        model.net_.module_.network.head.weight.mul_(1e4)
    sure = pickle.loads(pickle.dumps(model))
    assert (sure.predict_proba(faces) == 0).any()
    assert np.isfinite(sure.predict_log_proba(faces)).all()
