"""FERFeatures: the features of a backbone for any classifier."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERCNNClassifier, FERFeatures, FERPretrainedClassifier

SETTINGS = {"random_state": 0, "device": "cpu", "precision": "float32"}


@pytest.fixture(scope="module")
def first(small):
    return FERCNNClassifier(max_epochs=3, batch_size=16, augment=None, **SETTINGS).fit(*small)


def test_a_pipeline_with_any_classifier(small, first):
    X, y = small
    features = FERFeatures("fast", weights=first, **SETTINGS)
    model = make_pipeline(features, StandardScaler(), LogisticRegression()).fit(X, y)
    assert model.score(X, y) > 0.4
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 1.0]}, cv=2).fit(X, y)
    assert search.best_estimator_[0].weights is first
    assert hasattr(first, "net_")


def test_pixels_of_another_range_than_those_of_the_fit(small):
    X, _ = small
    features = FERFeatures("fast", weights=None, normalize="dataset", **SETTINGS).fit(X)
    with pytest.raises(ValueError, match="X is float32 with values up to 1, but the images in fit"):
        features.transform(X / X.max())


def test_they_are_those_of_the_classifier(small, first):
    X, y = small
    transformer = FERFeatures("fast", weights=first, **SETTINGS)
    assert transformer.fit(X) is transformer
    features = transformer.transform(X)
    assert (features.shape, features.dtype) == ((70, 256), np.float32)
    classifier = FERPretrainedClassifier(
        "fast", weights=first, trainable="head", max_epochs=1, augment=None, **SETTINGS
    )
    np.testing.assert_allclose(classifier.fit_transform(X, y), features, atol=1e-6)
    np.testing.assert_allclose(transformer.transform(X[3:4]), features[3:4], atol=1e-4)
    np.testing.assert_allclose(transformer.transform(X.reshape(70, -1)), features, atol=1e-6)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "test_convnext"])
def test_timm(backbone, small):
    pytest.importorskip("timm", reason="needs sk_fer[pretrained]")
    model = FERFeatures(backbone, weights=None, input_size=32, **SETTINGS)
    features = model.fit_transform(small[0])
    assert len(model.get_feature_names_out()) == features.shape[1]
    assert features.std(axis=0).max() > 0
    again = clone(model).fit(small[0])
    np.testing.assert_array_equal(again.transform(small[0]), features)
    other = clone(model).set_params(random_state=1).fit_transform(small[0])
    assert not np.allclose(other, features)


def test_pickle_joblib_and_names(small, first, tmp_path):
    X, _ = small
    model = FERFeatures("fast", weights=first, input_size=(32, 32), **SETTINGS).fit(X)
    joblib.dump(model, tmp_path / "model.joblib")
    for loaded in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
        assert loaded.versions_["sk_fer"]
    names = model.get_feature_names_out()
    assert names[[0, -1]].tolist() == ["ferfeatures0", "ferfeatures255"]
    table = model.set_output(transform="pandas").transform(X)
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == names.tolist()


def test_the_global_random_state_is_not_changed(small):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    FERFeatures("fast", weights=None, random_state=0).fit_transform(small[0])
    assert torch.equal(before, torch.get_rng_state())


def test_the_memory_of_a_pipeline_runs_the_backbone_once_per_fold(small, first, tmp_path):
    X, y = small
    features = FERFeatures("fast", weights=first, **SETTINGS)
    model = Pipeline([("features", features), ("head", LogisticRegression())], memory=str(tmp_path))
    grid = {"head__C": [0.01, 0.1, 1.0]}
    fits = []
    with pytest.MonkeyPatch.context() as patch:
        fit = FERFeatures.fit
        patch.setattr(FERFeatures, "fit", lambda *args, **kw: fits.append(1) or fit(*args, **kw))
        search = GridSearchCV(model, grid, cv=2, refit=False).fit(X, y)
    assert len(fits) == 2
    alone = GridSearchCV(LogisticRegression(), {"C": grid["head__C"]}, cv=2, refit=False)
    alone.fit(features.fit_transform(X), y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], atol=0.02
    )


def test_not_fitted(small):
    model = FERFeatures("fast", weights=None)
    for call in (lambda: model.transform(small[0]), model.get_feature_names_out):
        with pytest.raises(NotFittedError, match="This FERFeatures instance is not fitted yet"):
            call()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"backbone": "fastt"}, "similar names: 'fast'"),
        ({"input_size": 8}, "cannot process images of 8 x 8 pixels: "),
        ({"stem": "no_stride"}, "backbone='fast' has no first convolution of stride 2"),
        ({"weights": "none.pth"}, "none.pth: no such file"),
        ({"weights": "imagenet"}, "for which timm .* has no pretrained weights"),
    ],
    ids=str,
)
def test_a_failed_fit_does_not_change_the_estimator(parameters, words, small, first):
    X, _ = small
    model = FERFeatures("fast", weights=first, **SETTINGS).fit(X)
    features = model.transform(X)
    with pytest.raises((ValueError, OSError), match=words):
        model.set_params(**parameters).fit(np.repeat(X, 2, axis=2))
    np.testing.assert_array_equal(model.transform(X), features)
