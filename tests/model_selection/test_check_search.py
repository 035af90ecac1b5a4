"""Errors of a search before its first fit."""

import re

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ParameterGrid,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.model_selection import grid_search
from sk_fer.model_selection._check_candidates import check_candidates
from sk_fer.model_selection._check_folds import check_folds
from sk_fer.model_selection._check_search import check_scorers, check_scoring_names
from sk_fer.preprocessing import HistogramEqualizer

DENSE = FERDenseClassifier((4,), max_epochs=1, random_state=0)
PIPELINE = Pipeline([("equalize", HistogramEqualizer()), ("cnn", FERCNNClassifier())])


@pytest.mark.parametrize(
    ("estimator", "grid", "words"),
    [
        (DENSE, {"droput": [0.1]}, "no parameter 'droput'; the nearest name is 'dropout'"),
        (DENSE, {"speed": [1]}, "no parameter 'speed'; it has activation, "),
        (DENSE, {"callbacks__x": [1]}, "no parameter 'callbacks__x'; the nearest name is"),
        (PIPELINE, {"lr": [0.1]}, "Pipeline has no parameter 'lr'; the nearest name is 'cnn__lr'"),
        (PIPELINE, {"speed": [1]}, "no parameter 'speed'; its steps are equalize, cnn"),
        (
            PIPELINE,
            {"equalise__method": ["global"]},
            "no parameter 'equalise__method'; the nearest names are 'equalize__method'",
        ),
        (
            PIPELINE,
            {"equalize__methd": ["global"]},
            "HistogramEqualizer, the step 'equalize', has no parameter 'methd'; "
            "the nearest name is 'equalize__method'",
        ),
        (
            PIPELINE,
            [{"equalize": ["passthrough"], "equalize__method": ["global"]}],
            "'equalize' is 'passthrough' in this candidate, and has no parameter 'method'",
        ),
        (PIPELINE, {"equalize": [True]}, "equalize=True: All intermediate steps should be"),
        (PIPELINE, {"cnn": ["passthrough"]}, "its last step has no method predict"),
        (DENSE, {"lr": [-1]}, "lr=-1: The 'lr' parameter of FERDenseClassifier must be"),
        (PIPELINE, {"equalize__method": [3]}, "The 'method' parameter of HistogramEqualizer"),
        (DENSE, {"device": ["gpu"]}, "device"),
        (SVC(), {"C": [-1.0]}, "The 'C' parameter of SVC must be a float"),
    ],
)
def test_names_and_values_of_candidates(estimator, grid, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_candidates(estimator, ParameterGrid(grid))


def test_each_reason_is_listed_once_with_a_candidate():
    grid = ParameterGrid({"lr": [0.1, -1], "optimizer": ["sgd", "adam", "foo"]})
    with pytest.raises(ValueError, match=r"^4 of 6 candidates cannot be fitted") as raised:
        check_candidates(DENSE, grid)
    assert len(str(raised.value).splitlines()) == 1 + 2
    with pytest.raises(ValueError, match="no candidates"):
        check_candidates(DENSE, [])


def test_valid_candidates_leave_the_estimator_unchanged():
    grid = {"equalize": ["passthrough", HistogramEqualizer("adaptive")], "cnn__lr": [0.1]}
    check_candidates(PIPELINE, ParameterGrid(grid))
    assert PIPELINE["equalize"].method == "global"
    assert PIPELINE["cnn"].lr == FERCNNClassifier().lr


Y = np.repeat(["happy", "sad"], [8, 1])
X = np.zeros((9, 4))


@pytest.mark.parametrize(
    ("cv", "groups", "words"),
    [
        (KFold(10), None, "n_splits=10 greater than the number of samples"),
        (StratifiedKFold(9), None, "n_splits=9 cannot be greater than the number of members"),
        (StratifiedKFold(2), None, "fold 1 of 2 tests the class 'sad' and trains without it; "),
        (GroupKFold(3), np.arange(9) // 5, "n_splits=3 greater than the number of groups: 2"),
        (GroupKFold(2), None, "splits by groups, but groups is None; pass the group"),
        (LeaveOneGroupOut(), None, "splits by groups, but groups is None"),
        (
            StratifiedGroupKFold(2),
            np.array(["ann", "bob", "eve"] * 3),
            "the class has 1 image, all of the group 'eve'",
        ),
        (GroupKFold(2), np.zeros(8), "X has 9 and groups has 8"),
        (GroupKFold(2), [None, *range(8)], "groups has a missing value in row 0"),
        (PredefinedSplit([0] * 9), None, "fold 1 of 1 has no images to train on"),
        (PredefinedSplit([-1] * 9), None, "makes no folds"),
    ],
)
def test_folds_that_cannot_be_made(cv, groups, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_folds(cv, X, Y, groups)


def test_folds_are_those_of_the_splitter():
    X, y = np.zeros((10, 4)), np.array(["happy", "sad"] * 5)
    expected = list(ShuffleSplit(3, random_state=0).split(X))
    np.testing.assert_array_equal(
        [np.concatenate(fold) for fold in check_folds(ShuffleSplit(3, random_state=0), X, y)],
        [np.concatenate(fold) for fold in expected],
    )


def test_classes_that_some_folds_do_not_test_are_named():
    y, X = np.repeat(["happy", "sad", "fear"], [8, 2, 5]), np.zeros((15, 4))
    with pytest.warns(UserWarning, match=r"fewer images than there are folds: 'sad' \(2\)$"):
        check_folds(StratifiedKFold(3), X, y)
    people = np.array([*range(8), 0, 1, 2, 3, 2, 3, 2])
    with pytest.warns(UserWarning, match=r"fewer groups than .*: 'fear' \(2\), 'sad' \(2\)$"):
        check_folds(StratifiedGroupKFold(3), X, y, people)


def test_scores_by_name():
    with pytest.raises(ValueError, match=r"'f1_marco'.*; the nearest are 'f1_macro', 'f1_micro'"):
        check_scoring_names(["accuracy", "f1_marco"])
    with pytest.raises(ValueError, match="pass sk_fer"):
        check_scoring_names({"second": "top_2_accuracy"})
    y = np.array(["happy", "sad", "fear"] * 6)
    folds = check_folds(StratifiedKFold(3), np.zeros((18, 4)), y)
    with pytest.raises(
        ValueError, match=r"'roc_auc' cannot be computed .* fold 1 of 3, with 3 cla"
    ):
        check_scorers(("accuracy", "roc_auc"), y, folds)
    check_scorers(["accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr"], y, folds)
    check_scorers(lambda model, X, y: model.net_, y, folds)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"param_grid": {"lr": [0.1, "fast"]}}, "1 of 2 candidates cannot be fitted"),
        ({"scoring": "f1"}, "scoring='f1' cannot be computed"),
        ({"scoring": "acuracy"}, "the nearest are 'accuracy'"),
        ({"groups": np.zeros(280)}, "greater than the number of groups: 1"),
        ({"y": [None, *["happy", "sad"] * 139, "sad"]}, "y has a missing label in row 0"),
    ],
)
def test_grid_search_raises_before_the_first_fit(faces, monkeypatch, change, words):
    monkeypatch.setattr(FERDenseClassifier, "fit", None)
    arguments = {"param_grid": {"lr": [0.1]}, "X": faces[0], "y": faces[1], "cv": 2, **change}
    with pytest.raises(ValueError, match=re.escape(words)):
        grid_search(DENSE, **arguments)
