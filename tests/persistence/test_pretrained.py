"""The trained model of the package: loading, and use as initial weights."""

import re

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sk_fer import (
    FERFeatures,
    FERPretrainedClassifier,
    _version,
    load_model,
    load_pretrained,
    save_model,
)
from sk_fer._utils import _shipped

QUICK = {"max_epochs": 1, "augment": None, "lr": 1e-20, "random_state": 0, "device": "cpu"}


def test_is_ready_to_predict(shipped, faces):
    model = load_pretrained()
    X, y = faces
    assert (shipped / "fer2013.skfer").stat().st_size < 3_000_000
    assert model.classes_.tolist() == sorted(set(y))
    assert model.predict(X[:5]).shape == (5,)
    in_file = load_model(shipped / "fer2013.skfer")
    np.testing.assert_array_equal(model.predict_proba(X), in_file.predict_proba(X))


def test_is_on_the_device_and_in_the_precision_of_this_machine(shipped, monkeypatch):
    chosen = []
    from sk_fer.training import _device

    def resolve(precision, device):
        chosen.append((precision, device))
        return torch.float32

    monkeypatch.setattr(_device, "resolve_precision", resolve)
    monkeypatch.setattr("sk_fer.training.resolve_precision", resolve)
    load_pretrained()
    assert chosen[-1] == ("auto", torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def test_another_name_is_refused_with_those_that_exist(faces):
    with pytest.raises(ValueError, match="no trained model 'fer2014'; it has 'fer2013'"):
        load_pretrained("fer2014")
    expected = re.escape("weights='fer2014'; expected 'imagenet', 'fer2013', None, a file")
    with pytest.raises(ValueError, match=expected):
        FERFeatures("fast", weights="fer2014").fit(faces[0][:4])


def test_a_copy_without_the_file_says_what_to_do(tmp_path, monkeypatch, faces):
    monkeypatch.setattr(_shipped, "FOLDER", tmp_path)
    for use in (load_pretrained, lambda: FERFeatures("fast", weights="fer2013").fit(faces[0][:4])):
        with pytest.raises(FileNotFoundError, match="does not contain the trained model 'fer2013'"):
            use()


def test_another_version_does_not_warn(shipped, monkeypatch):
    monkeypatch.setattr(_version, "__version__", "99.0.0")
    assert load_pretrained().versions_["sk_fer"] == "99.0.0"


def test_starts_a_network_with_the_same_classes_as_itself(shipped, faces):
    X, y = faces[0][:28], faces[1][:28]
    model = FERPretrainedClassifier("fast", weights="fer2013", **QUICK).fit(X, y)
    state = load_pretrained().net_.module_.state_dict()
    tuned = model.net_.module_.state_dict()
    # The step is too small to change a weight.
    assert torch.equal(tuned["network.head.linear.weight"], state["network.head.linear.weight"])
    assert torch.equal(
        tuned["network.backbone.stem.conv.weight"], state["network.features.stem.conv.weight"]
    )
    other = FERPretrainedClassifier("fast", weights="fer2013", **QUICK).fit(X, y == "happy")
    assert len(other.net_.module_.network.head.linear.weight) == 2


def test_its_features_go_into_a_model_file(shipped, faces, tmp_path):
    X, y = faces[0][:56], faces[1][:56]
    features = FERFeatures("fast", weights="fer2013")
    expected = FERFeatures("fast", weights=load_pretrained()).fit_transform(X)
    np.testing.assert_array_equal(features.fit_transform(X), expected)
    model = make_pipeline(features, LogisticRegression(C=0.01)).fit(X, y)
    save_model(model, tmp_path / "model.skfer")
    loaded = load_model(tmp_path / "model.skfer")
    assert loaded[0].weights == "fer2013"
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_another_backbone_is_refused_with_the_right_one(shipped, faces):
    with pytest.raises(ValueError, match=r"its network is 'fast', .* with backbone='fast'$"):
        FERFeatures("accurate", weights="fer2013").fit(faces[0][:4])
