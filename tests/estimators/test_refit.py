"""A fitted estimator does not change if it cannot be fitted again."""

import pickle

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sk_fer import FERDenseClassifier

from ..helpers import dense


@pytest.fixture
def fitted(faces):
    return dense(max_epochs=1).fit(*faces)


@pytest.mark.parametrize(
    "change",
    [
        {"class_weight": {"bored": 1}},
        {"augment": {"blur": 1}},
        {"device": "abacus"},
        {"hidden_layer_sizes": (32,), "augment": {"blur": 1}},
        {"validation_fraction": 1e-9},
    ],
    ids=str,
)
def test_a_refused_fit_changes_nothing(change, fitted, faces):
    X, y = faces
    before = fitted.predict_proba(X)
    fitted.set_params(**change)
    for fit in (fitted.fit, fitted.partial_fit):
        if fit == fitted.partial_fit and "validation_fraction" in change:
            continue
        with pytest.raises(ValueError, match=r"."):
            fit(X[:, :100], np.where(y == "sad", "x", y))
        np.testing.assert_array_equal(fitted.predict_proba(X), before)
        loaded = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(loaded.predict_proba(X), before)
    assert fitted.image_shape_ == (48, 48, 1)


def test_an_estimator_is_not_fitted_after_a_failed_fit(faces):
    X, y = faces
    model = FERDenseClassifier(class_weight={"bored": 1})
    with pytest.raises(ValueError, match="class_weight names 'bored'"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("change", [{"hidden_layer_sizes": (4,)}, {"normalize": "none"}], ids=str)
def test_going_on_with_another_network_is_refused(change, fitted, faces):
    fitted.set_params(warm_start=True, **change)
    with pytest.raises(ValueError, match="cannot continue the fitted network"):
        fitted.fit(*faces)
    with pytest.raises(ValueError, match="cannot continue the fitted network"):
        fitted.partial_fit(*faces)


def test_another_optimizer_starts_with_a_new_state(fitted, faces):
    for change in (
        {"optimizer": "rmsprop", "momentum": 0.0, "lr": 1e-4},
        {"optimizer": "rmsprop", "momentum": 0.9, "lr": 1e-4},
        {"optimizer": "sgd"},
    ):
        fitted.set_params(**change).partial_fit(*faces)
    assert fitted.n_epochs_ == 4


def test_a_loaded_model_predicts_the_same(faces):
    X, y = faces
    model = FERDenseClassifier((16,), max_epochs=1, batch_size=3, random_state=0).fit(X, y)
    expected = model.predict_proba(X)
    model.set_params(precision="float16", batch_size=64)  # float16 needs a GPU to fit on
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)


def test_versions_are_those_of_a_file_alone(fitted, faces):
    loaded = pickle.loads(pickle.dumps(fitted))
    assert loaded.versions_["sk_fer"]
    assert not hasattr(loaded.fit(*faces), "versions_")
