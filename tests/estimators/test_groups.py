"""The groups of fit: its validation images are of other people."""

from functools import partial

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sk_fer.estimators import _split
from sk_fer.estimators._split import encode_groups, split_groups
from sk_fer.preprocessing import ImageStandardizer

from .. import helpers

dense = partial(helpers.dense, max_epochs=1, validation_fraction=0.2)


@pytest.fixture
def splits(monkeypatch):
    """The groups on both sides of every split that fits make: a list of pairs of sets."""
    made = []

    def spy(labels, groups, fraction, seed):
        train, valid = split_groups(labels, groups, fraction, seed)
        made.append((set(groups[train]), set(groups[valid]), len(valid) / len(labels)))
        return train, valid

    monkeypatch.setattr(_split, "split_groups", spy)
    return made


@pytest.fixture
def people(faces):
    """Names of 40 people with seven faces each."""
    rng = np.random.default_rng(0)
    return rng.permutation([f"person {i}" for i in range(40) for _ in range(7)])


@pytest.mark.parametrize("seed", range(5))
def test_split_is_by_whole_groups_near_the_fraction(seed, faces, people):
    labels = np.unique(faces[1], return_inverse=True)[1]
    groups = encode_groups(people, 280)
    train, valid = split_groups(labels, groups, 0.2, seed)
    assert sorted([*train, *valid]) == list(range(280))
    assert not set(groups[train]) & set(groups[valid])
    assert len(valid) == pytest.approx(56, abs=7)
    shares = np.bincount(labels[valid]) / np.bincount(labels)
    assert np.abs(shares - 0.2).max() < 0.12
    again = split_groups(labels, groups, 0.2, seed)
    np.testing.assert_array_equal(again[1], valid)
    assert not np.array_equal(split_groups(labels, groups, 0.2, seed + 1)[1], valid)


def test_a_class_of_one_person_stays_in_training():
    labels = np.array([0, 1] * 10 + [2] * 2)
    groups = np.repeat(np.arange(11), 2)
    for seed in range(10):
        train, valid = split_groups(labels, groups, 0.3, seed)
        assert set(labels[train]) == {0, 1, 2}
        assert len(valid)


def test_groups_that_are_all_too_large():
    labels, groups = np.arange(12) % 2, np.arange(12) // 6
    _, valid = split_groups(labels, groups, 0.1, seed=0)
    assert len(set(groups[valid])) == 1


def test_fit_keeps_groups_apart(faces, people, splits):
    X, y = faces
    model = dense().fit(X, y, groups=people)
    [(train, valid, share)] = splits
    assert not train & valid
    assert share == pytest.approx(0.2, abs=0.03)
    assert "valid_loss" in model.history_
    dense(validation_fraction=None, early_stopping=True).fit(X, y, groups=people)
    assert splits[1][2] == pytest.approx(0.1, abs=0.03)


def test_images_without_weight_belong_to_no_side(faces, people, splits):
    X, y = faces
    weight = np.ones(280)
    weight[people == "person 3"] = 0
    dense().fit(X, y, sample_weight=weight, groups=people)
    [(train, valid, _)] = splits
    assert len(train | valid) == 39


def test_groups_without_a_split_change_nothing(faces, people):
    X, y = faces
    model = dense(validation_fraction=None)
    expected = model.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.fit(X, y, groups=people).predict_proba(X), expected)
    given = dense().fit(X, y, X_val=X, y_val=y)
    same = dense().fit(X, y, X_val=X, y_val=y, groups=people)
    np.testing.assert_array_equal(same.predict_proba(X), given.predict_proba(X))


@pytest.mark.parametrize("enabled", [True, False])
def test_metadata_routing(enabled, faces, people, splits):
    X, y = faces
    if not enabled:
        make_pipeline(ImageStandardizer(), dense()).fit(X, y, ferdenseclassifier__groups=people)
        assert not splits[0][0] & splits[0][1]
        return
    with sklearn.config_context(enable_metadata_routing=True):
        model = dense().set_fit_request(groups=True)
        arguments = {"cv": GroupKFold(2), "error_score": "raise"}
        cross_val_score(model, X, y, params={"groups": people}, **arguments)
        pipeline = make_pipeline(ImageStandardizer(), model)
        search = GridSearchCV(pipeline, {"ferdenseclassifier__lr": [0.01]}, **arguments)
        search.fit(X, y, groups=people)
    assert len(splits) == 5  # two folds each, and the best model
    for train, valid, _ in splits:
        assert valid
        assert not train & valid
    assert len(splits[0][0] | splits[0][1]) == 20  # the people of one fold
    assert len(splits[4][0] | splits[4][1]) == 40


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([1, 2], "X has 280 and groups has 2"),
        ([[1, 2]] * 280, "should be a 1d array"),
        ([None, *range(279)], "groups has a missing value in row 0"),
        ([0.0, np.nan] * 140, "groups has a missing value in row 1"),
        ([5] * 280, "cannot be set aside from 1 groups"),
    ],
)
def test_bad_groups_are_refused(groups, words, faces):
    X, y = faces
    with pytest.raises(ValueError, match=words):
        dense().fit(X, y, groups=groups)
    if "aside" not in words:
        with pytest.raises(ValueError, match=words):
            dense(validation_fraction=None).fit(X, y, groups=groups)


def test_checkpoints_know_the_groups_where_the_split_goes_by_them(faces, people, tmp_path):
    X, y = faces
    settings = {"checkpoint": tmp_path / "split"}
    model = dense(**settings).fit(X, y, groups=people)
    seconds = model.history_["seconds"].tolist()
    renamed = np.char.replace(people, "person", "subject")
    assert dense(**settings).fit(X, y, groups=renamed).history_["seconds"].tolist() == seconds
    with pytest.raises(ValueError, match="groups differs"):
        dense(**settings).fit(X, y, groups=people[::-1])
    with pytest.raises(ValueError, match="groups differs"):
        dense(**settings).fit(X, y)
    settings = {"checkpoint": tmp_path / "whole", "validation_fraction": None}
    model = dense(**settings).fit(X, y)
    again = dense(**settings).fit(X, y, groups=people)
    assert again.history_["seconds"].tolist() == model.history_["seconds"].tolist()
