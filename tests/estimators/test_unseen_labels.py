"""Labels that are not in y count as wrong, as in scikit-learn, with a warning."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    LeaveOneGroupOut,
    cross_val_score,
    learning_curve,
)
from skorch.callbacks import EpochScoring

from ..helpers import dense

UNSEEN = "labels that fit did not see"


@pytest.fixture(scope="module")
def six(faces):
    """A classifier that never saw "sad", and the faces of all seven classes."""
    X, y = faces
    return dense(max_epochs=3).fit(X[y != "sad"], y[y != "sad"]), X, y


def test_score_counts_an_unseen_label_as_wrong(six):
    model, X, y = six
    with pytest.warns(UserWarning, match=rf"{UNSEEN}: \['sad'\]; the 40 of 280 images"):
        score = model.score(X, y)
    assert score == accuracy_score(y, model.predict(X))
    weight = np.where(y == "sad", 3.0, 1.0)
    with pytest.warns(UserWarning, match=UNSEEN):
        weighted = model.score(X, y, sample_weight=weight)
    assert weighted == pytest.approx(accuracy_score(y, model.predict(X), sample_weight=weight))


@pytest.mark.filterwarnings(f"ignore:.*{UNSEEN}")
def test_score_without_any_known_label_is_zero(six):
    model, X, y = six
    assert model.score(X[y == "sad"], y[y == "sad"]) == 0.0


@pytest.mark.parametrize("to_code", [int, float, np.uint8])
def test_unseen_numbers(to_code, faces):
    X, y = faces
    codes = np.unique(y, return_inverse=True)[1].astype(to_code)
    model = dense().fit(X[codes < 5], codes[codes < 5])
    with pytest.warns(UserWarning, match=UNSEEN):
        assert model.score(X, codes) == accuracy_score(codes, model.predict(X))


def test_shares_with_other_columns(six):
    model, X, y = six
    shares = pd.get_dummies(y).astype(float)
    with pytest.warns(UserWarning, match=rf"{UNSEEN}: \['sad'\]"):
        assert model.score(X, shares) == accuracy_score(y, model.predict(X))
    fewer = shares.drop(columns=["sad", "happy"])[~np.isin(y, ["sad", "happy"])]
    rows = fewer.index
    assert model.score(X[rows], fewer) == accuracy_score(y[rows], model.predict(X[rows]))


def test_strings_are_not_compared_with_numbers(six):
    model, X, _ = six
    with pytest.raises(ValueError, match="labels of another type than those of fit"):
        model.score(X, np.arange(len(X)) % 7)


def test_validation_images_with_unseen_labels(six):
    _, X, y = six
    train = y != "sad"
    with pytest.warns(UserWarning, match=r"y_val .*\['sad'\].* left out of valid_loss"):
        model = dense().fit(X[train], y[train], X_val=X, y_val=y)
    last = model.history_.iloc[-1]
    known = log_loss(y[train], model.predict_proba(X[train]), labels=model.classes_)
    assert last["valid_loss"] == pytest.approx(known, rel=1e-2)
    assert last["valid_accuracy"] == pytest.approx(accuracy_score(y, model.predict(X)), abs=0.01)
    with (
        pytest.warns(UserWarning, match=UNSEEN),
        pytest.raises(ValueError, match="y_val and y have no label in common"),
    ):
        dense().fit(X[train], y[train], X_val=X[~train], y_val=y[~train])


@pytest.mark.filterwarnings(f"ignore:.*{UNSEEN}")
@pytest.mark.parametrize("coded", [False, True])
def test_scoring_callbacks_count_them_as_wrong(coded, six):
    _, X, y = six
    labels = np.unique(y, return_inverse=True)[1].astype(np.uint8) if coded else y
    train = y != "sad"
    callback = EpochScoring("accuracy", name="hits", lower_is_better=False)
    model = dense(callbacks=[callback]).fit(X[train], labels[train], X_val=X, y_val=labels)
    last = model.history_.iloc[-1]
    assert last["hits"] == pytest.approx(last["valid_accuracy"])
    assert last["hits"] <= train.mean()


@pytest.mark.filterwarnings(f"ignore:.*{UNSEEN}")
def test_tools_on_top_get_numbers(faces):
    X, y = faces
    X, y = X[:100], y[:100].copy()
    y[:3] = "contempt"
    groups = np.repeat(np.arange(4), 25)
    with warnings.catch_warnings():
        warnings.simplefilter("error", FitFailedWarning)
        by_person = cross_val_score(dense(), X, y, groups=groups, cv=LeaveOneGroupOut())
        search = GridSearchCV(dense(max_epochs=3), {"lr": [10.0, 1e-3]}, cv=LeaveOneGroupOut())
        search.fit(X, y, groups=groups)
        order = np.argsort(y)
        by_class = cross_val_score(dense(), X[order], y[order], cv=KFold(7))
        _, _, curve = learning_curve(dense(), X, y, train_sizes=[0.2], cv=KFold(3))
        halving = HalvingGridSearchCV(
            dense(), {"lr": [1e-3, 1e-2]}, min_resources=20, cv=2, random_state=0
        ).fit(X, y)
    for scores in (
        by_person,
        search.cv_results_["mean_test_score"],
        by_class,
        curve,
        halving.cv_results_["mean_test_score"],
    ):
        assert np.isfinite(scores).all()
    assert search.best_params_ == {"lr": 1e-3}


def test_class_weights_of_classes_that_a_fold_lacks(six):
    _, X, y = six
    weights = {name: 1.0 + number for number, name in enumerate(np.unique(y))}
    train = y != "sad"
    weighted = dense(class_weight=weights).fit(X[train], y[train])
    del weights["sad"]
    without = dense(class_weight=weights).fit(X[train], y[train])
    assert (weighted.predict_proba(X) == without.predict_proba(X)).all()
    assert not (weighted.predict_proba(X) == dense().fit(X[train], y[train]).predict_proba(X)).all()
    with pytest.raises(ValueError, match="class_weight names 'sad'"):
        dense(class_weight={"sad": 2.0}).fit(X[train], y[train])
