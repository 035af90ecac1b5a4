"""Preprocessing that the candidates of a fold share."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_fer._utils._image_rows import ImageRows
from sk_fer.model_selection._folds import Fold
from sk_fer.preprocessing import HistogramEqualizer
from tests.helpers import assert_same_fit, dense

TRAIN, TEST = np.arange(0, 70, 2), np.arange(1, 70, 2)


class Counted(HistogramEqualizer):
    """An equalizer that counts its calls."""

    calls = 0

    def transform(self, X):
        Counted.calls += 1
        return super().transform(X)


@pytest.fixture
def flat(small):
    """70 flat images of 24 x 24 pixels."""
    return small[0].reshape(70, -1), small[1]


@pytest.fixture(params=["memory", "folder"])
def folder(request, tmp_path):
    """None, and a folder for results of steps."""
    return None if request.param == "memory" else tmp_path / "steps"


def _candidates(*methods):
    model = make_pipeline(Counted(), StandardScaler(), dense())
    return [
        clone(model).set_params(counted__method=method, ferdenseclassifier__lr=lr)
        for method in methods
        for lr in (1e-3, 1e-2)
    ]


def test_steps_are_applied_once_for_the_candidates_that_agree_on_them(flat, folder):
    X, y = flat
    candidates = _candidates("global", "adaptive")
    fold = Fold(X, y, TRAIN, TEST, folder)
    Counted.calls = 0
    for candidate in candidates:
        with fold.sharing(candidate) as (X_train, X_test):
            score = candidate.fit(X_train, fold.y_train).score(X_test, fold.y_test)
        expected = clone(candidate).fit(X[TRAIN], y[TRAIN])
        Counted.calls -= 1  # that of the line above
        assert_same_fit(candidate[-1], expected[-1])
        assert score == expected.score(X[TEST], y[TEST])
        Counted.calls -= 1
    assert Counted.calls == 2 * 2  # two methods, training and test images


def test_a_pipeline_is_an_ordinary_one_after_its_fit(flat):
    X, y = flat
    model = _candidates("global")[0]
    fold = Fold(X, y, TRAIN, TEST)
    with fold.sharing(model) as (X_train, _):
        model.fit(X_train, fold.y_train)
    assert model.memory is None
    assert [type(step) for step in model] == [Counted, StandardScaler, type(dense())]
    np.testing.assert_array_equal(
        model.predict(X[TEST]), clone(model).fit(X[TRAIN], y[TRAIN]).predict(X[TEST])
    )


def test_another_process_maps_the_results_of_the_first(flat, tmp_path):
    X, y = flat
    first, second = (Fold(X, y, TRAIN, TEST, tmp_path) for _ in range(2))
    Counted.calls = 0
    for fold in (first, second):
        X_train, X_test = fold.prepared(_candidates("global")[0])
        assert isinstance(X_train, np.memmap)
        assert isinstance(X_test, np.memmap)
    assert Counted.calls == 2
    assert not list(tmp_path.glob("*.unfinished"))


def test_only_the_results_of_the_last_candidate_stay_in_memory(flat):
    X, y = flat
    candidates = _candidates("global", "adaptive")
    fold = Fold(X, y, TRAIN, TEST)
    for candidate in candidates:
        fold.prepared(candidate)
        assert len(fold._kept) == 4  # two steps, training and test images


@pytest.mark.parametrize("copy", [True, False])
def test_a_step_that_works_in_place_does_not_change_the_images(flat, copy):
    X, y = flat
    X = X.astype(np.float32)
    before = X.copy()
    model = make_pipeline(StandardScaler(copy=copy), StandardScaler(copy=copy), dense())
    fold = Fold(X, y, TRAIN, TEST)
    results = [fold.prepared(clone(model)) for _ in range(2)]
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(results[0][1], results[1][1])
    scaler = StandardScaler().fit(X[TRAIN])
    np.testing.assert_allclose(results[0][1], scaler.transform(X[TEST]), rtol=1e-4, atol=1e-5)


def test_a_step_without_a_name_is_applied_for_each_candidate(flat, folder):
    X, y = flat
    model = make_pipeline(FunctionTransformer(lambda images: 255 - images), dense())
    fold = Fold(X, y, TRAIN, TEST, folder)
    for _ in range(2):
        X_train, X_test = fold.prepared(clone(model))
        np.testing.assert_array_equal(X_train, 255 - X[TRAIN])
        np.testing.assert_array_equal(X_test, 255 - X[TEST])


def test_rows_of_bytes_are_not_copied_for_a_classifier_of_images(flat):
    X, y = flat
    fold = Fold(X, y, TRAIN, TEST)
    with fold.sharing(dense()) as (X_train, _):
        assert isinstance(X_train, ImageRows)
        assert X_train.images is X
    np.testing.assert_array_equal(fold.y_test, y[TEST])
    for estimator, images in ((LogisticRegression(), X), (dense(), X / 255)):
        with Fold(images, y, TRAIN, TEST).sharing(estimator) as (_, X_test):
            np.testing.assert_array_equal(X_test, images[TEST])
            assert isinstance(X_test, np.ndarray)


def test_a_pipeline_with_a_memory_keeps_it(flat, tmp_path):
    X, y = flat
    model = make_pipeline(Counted(), LogisticRegression(), memory=str(tmp_path))
    with Fold(X, y, TRAIN, TEST).sharing(model) as (X_train, X_test):
        assert isinstance(X_train, np.ndarray)
        assert isinstance(X_test, np.ndarray)
        assert model.memory == str(tmp_path)
