"""Pretrained classifiers in model files, and requests of files that are refused."""

import json
import pickle
import socket

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from sk_fer import (
    FERFeatures,
    FERPretrainedClassifier,
    FERResNet50Classifier,
    load_model,
    save_model,
)
from sk_fer.persistence import SKOPS_TRUSTED, ModelFormatError
from sk_fer.preprocessing import ImageResizer

from .fuzz_model_files import read_entries, seal

resource = pytest.importorskip("resource", reason="measures memory as Unix does")
pytest.importorskip("timm", reason="needs sk_fer[pretrained]")


def small(kind=FERPretrainedClassifier, **parameters):
    settings = {"backbone": "fast", "weights": None, "max_epochs": 1, "random_state": 0}
    return kind(**settings | {"device": "cpu", "batch_size": 16} | parameters)


@pytest.fixture(scope="module")
def fitted(small_faces):
    return small(augment=None).fit(*small_faces)


@pytest.mark.parametrize(
    "parameters",
    [
        {"trainable": {1: "head", 3: "all"}, "head": "conv", "input_size": (32, 40)},
        {"backbone": "test_resnet", "input_size": 32, "stem": "no_stride", "normalize": "dataset"},
        {"backbone": "test_vit", "input_size": 32, "kind": FERResNet50Classifier},
    ],
)
def test_saved_and_loaded_is_the_same(parameters, small_faces, tmp_path):
    X, y = small_faces
    model = small(**parameters).fit(X, y)
    save_model(model, tmp_path / "model.skfer")
    loaded = load_model(tmp_path / "model.skfer")
    assert type(loaded) is type(model)
    assert repr(loaded) == repr(model)
    assert loaded.get_params() == model.get_params()
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert_array_equal(loaded.transform(X), model.transform(X))
    pickled = pickle.loads(pickle.dumps(model))
    assert_array_equal(
        loaded.partial_fit(X, y).predict_proba(X), pickled.partial_fit(X, y).predict_proba(X)
    )


def test_weights_are_left_out_with_a_warning(fitted, small_faces, tmp_path):
    X, y = small_faces
    path = tmp_path / "model.skfer"
    model = small(weights=fitted, trainable="head").fit(X, y)
    with pytest.warns(UserWarning, match="weights of FERPretrainedClassifier"):
        save_model(model, path)
    loaded = load_model(path)
    assert loaded.weights == "imagenet"  # the default, and as good a reason to keep statistics
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), atol=1e-5)
    save_model(loaded, path)  # and nothing is left to leave out
    assert load_model(path).set_params(weights=None).fit(X, y).n_epochs_ == 1
    model.weights = "imagenet"
    save_model(model, path)
    assert load_model(path).weights == "imagenet"


def test_at_the_end_of_a_pipeline(small_faces, tmp_path):
    X, y = small_faces
    model = make_pipeline(ImageResizer((20, 20)), small()).fit(X, y)
    save_model(model, tmp_path / "model.skfer")
    assert_array_equal(load_model(tmp_path / "model.skfer").predict(X), model.predict(X))


def parameters_of_the_file(**items):
    return lambda model: model["parameters"].update(items)


def network_of_the_file(**items):
    return lambda model: model["network"].update(items)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (parameters_of_the_file(weights="/etc/passwd"), "weights is '/etc/passwd'; expected one"),
        (network_of_the_file(weights="/etc/passwd"), "weights is '/etc/passwd'; expected one of"),
        (network_of_the_file(weights=[1]), "weights is"),
        (parameters_of_the_file(memory="/etc"), "unknown memory"),
        (network_of_the_file(backbone="hf-hub:x/y"), "got backbone='hf-hub:x/y', expected a name"),
        (network_of_the_file(backbone="local-dir:/etc"), "got backbone='local-dir:/etc', exp"),
        (network_of_the_file(backbone="no_such_net"), "'no_such_net', which timm"),
        (
            network_of_the_file(backbone="vit_giant_patch14_224", input_size=28),
            "the weights .*are missi",
        ),
        (
            network_of_the_file(backbone="test_resnet", input_size=32),
            "the weights network.backbone",
        ),
        (network_of_the_file(input_size=2**19), "input_size is .* of at most 1048576 pixels"),
        (network_of_the_file(input_size=[2**19, 8]), "input_size is .* of at most 1048576 pixels"),
        (network_of_the_file(input_size=[16]), "got input_size=.16., expected"),
        (network_of_the_file(input_size=4), "cannot process images of 4 x 4 pixels"),
        (network_of_the_file(head="conv"), "head='conv' needs a feature map of at least 2 x 2"),
        (network_of_the_file(head="none"), "The 'head' parameter of FERPretrainedClassifier must"),
        (network_of_the_file(stem="no_pool"), "backbone='fast' has no max-pool in its stem"),
        (network_of_the_file(dropout=2.0), "The 'dropout' parameter of FERPretrainedClassifier"),
        (parameters_of_the_file(trainable="tail"), "The 'trainable' parameter of FERPretrained"),
    ],
)
def test_requests_of_a_file_that_are_refused(edit, words, fitted, tmp_path, monkeypatch):
    path = tmp_path / "model.skfer"
    save_model(fitted, path)
    entries = read_entries(path.read_bytes())
    description = json.loads(entries["model.json"])
    edit(description["model"])
    entries["model.json"] = json.dumps(description).encode()
    path.write_bytes(seal(entries))

    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelFormatError, match=words):
        load_model(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kilobytes


def test_skops(fitted, small_faces, tmp_path):
    sio = pytest.importorskip("skops.io", reason="needs sk_fer[skops]")
    X, _ = small_faces
    features = FERFeatures("fast", weights=None, random_state=0).fit(X)
    for model, method in ((fitted, "predict_proba"), (features, "transform")):
        sio.dump(model, tmp_path / "model.skops")
        loaded = sio.load(tmp_path / "model.skops", trusted=SKOPS_TRUSTED)
        assert_array_equal(getattr(loaded, method)(X), getattr(model, method)(X))
