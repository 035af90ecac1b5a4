"""Searches by cross-validation."""

import numpy as np
import pytest
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier, make_classifier
from sk_fer.estimators import NETWORKS
from sk_fer.model_selection import grid_search
from sk_fer.preprocessing import ImageStandardizer

DENSE = FERDenseClassifier((4,), max_epochs=1, random_state=0)
GRID = {"lr": [1e-3, 1e-2]}


def test_scores_are_those_of_scikit_learns_search(faces):
    search = grid_search(DENSE, GRID, *faces, random_state=3)
    folds = StratifiedKFold(3, shuffle=True, random_state=3)
    expected = GridSearchCV(DENSE, GRID, scoring="accuracy", cv=folds).fit(*faces)
    for column in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(search.cv_results_[column], expected.cv_results_[column])
    assert search.best_params_ == expected.best_params_
    np.testing.assert_array_equal(search.predict(faces[0]), expected.predict(faces[0]))


def test_groups_reach_the_folds_and_the_fits(faces):
    X, y = faces
    people = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 7))
    model = FERDenseClassifier((4,), max_epochs=3, validation_fraction=0.3, random_state=0)
    search = grid_search(model, {"lr": [1e-2]}, X, y, groups=people, cv=2, random_state=1)
    folds = StratifiedGroupKFold(2, shuffle=True, random_state=1)
    for i, (train, test) in enumerate(folds.split(X, y, people)):
        fitted = FERDenseClassifier(**{**model.get_params(), "lr": 1e-2})
        fitted.fit(X[train], y[train], groups=people[train])
        score = fitted.score(X[test], y[test])
        assert search.cv_results_[f"split{i}_test_score"][0] == pytest.approx(score)
    best = FERDenseClassifier(**{**model.get_params(), "lr": 1e-2}).fit(X, y, groups=people)
    np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))


def test_a_pipeline_passes_the_groups_on(faces):
    X, y = faces
    people = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 7))
    net = FERDenseClassifier((4,), max_epochs=2, validation_fraction=0.3, random_state=0)
    model = make_pipeline(ImageStandardizer(), net)
    grid = {"ferdenseclassifier__lr": [1e-2]}
    search = grid_search(model, grid, X, y, groups=people, cv=2)
    model.set_params(ferdenseclassifier__lr=1e-2).fit(X, y, ferdenseclassifier__groups=people)
    np.testing.assert_array_equal(search.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("prefix", ["", "ferdenseclassifier__"])
def test_halving_gives_the_best_third_three_times_the_epochs(faces, prefix):
    model = FERDenseClassifier((4,), max_epochs=3, random_state=0)
    if prefix:
        model = make_pipeline(ImageStandardizer(), model)
    grid = {f"{prefix}lr": [1e-3, 1e-2, 1e-1]}
    search = grid_search(model, grid, *faces, cv=2, halving=True, refit=False)
    assert search.cv_results_["n_resources"].tolist() == [1, 1, 1, 3]
    assert not hasattr(search, "best_estimator_")


def test_more_folds_than_images_of_a_class_are_refused(faces):
    with pytest.raises(ValueError, match="n_splits=41 cannot be greater than"):
        grid_search(DENSE, GRID, *faces, cv=41)


@pytest.mark.parametrize("preset", NETWORKS)
def test_each_preset_has_a_grid_of_its_own_parameters(preset):
    assert len(ParameterGrid(NETWORKS[preset].param_grid)) == 4
    assert set(NETWORKS[preset].param_grid) <= set(make_classifier(preset).get_params())
