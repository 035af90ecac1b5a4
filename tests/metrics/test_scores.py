import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, top_k_accuracy_score
from sklearn.model_selection import GridSearchCV, cross_validate

from sk_fer import FERDenseClassifier
from sk_fer.metrics import (
    SCORERS,
    bootstrap_interval,
    expected_calibration_error,
    mcnemar_test,
    top_k_accuracy,
    voter_agreement,
)

PROBABILITIES = np.array([[0.9, 0.1], [0.9, 0.1], [0.62, 0.38], [0.38, 0.62]])


def test_calibration_error_is_the_mean_gap_of_confidence_and_accuracy():
    # Two images with confidence 0.9 and accuracy 0.5, two with 0.62 and 1.
    error = expected_calibration_error(["a", "b", "a", "b"], PROBABILITIES)
    assert error == pytest.approx(0.5 * 0.4 + 0.5 * 0.38)
    assert expected_calibration_error(["a", "b"], np.eye(2)) == 0
    assert expected_calibration_error(["a", "b"], np.eye(2), classes=["b", "a"]) == 1
    # In one bin, the mean confidence is 0.76 and the accuracy 0.75.
    one_bin = expected_calibration_error(["a", "b", "a", "b"], PROBABILITIES, n_bins=1)
    assert one_bin == pytest.approx(0.01)


def test_unknown_labels_count_as_wrong():
    assert expected_calibration_error(["c", "c"], np.eye(2), classes=["a", "b"]) == 1
    assert top_k_accuracy(["a", "c"], np.eye(2), classes=["a", "b"]) == 0.5


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k_accuracy_is_that_of_scikit_learn(k):
    rng = np.random.default_rng(0)
    y_proba = rng.dirichlet(np.ones(5), 60)
    y_true = rng.integers(0, 5, 60)
    expected = top_k_accuracy_score(y_true, y_proba, k=k, labels=range(5))
    assert top_k_accuracy(y_true, y_proba, k=k) == pytest.approx(expected)
    order = [3, 1, 0, 4, 2]
    assert top_k_accuracy(y_true, y_proba[:, order], k=k, classes=order) == pytest.approx(expected)


def test_scorers_agree_with_scikit_learn(small):
    X, y = small[0].reshape(70, -1) / 255, small[1]
    model = LogisticRegression(C=0.001).fit(X[:42], y[:42])
    X, y = X[42:], y[42:]
    y_pred, y_proba = model.predict(X), model.predict_proba(X)
    expected = {
        "accuracy": (y_pred == y).mean(),
        "f1_macro": f1_score(y, y_pred, average="macro"),
        "balanced_accuracy": balanced_accuracy_score(y, y_pred),
        "top_2_accuracy": top_k_accuracy_score(y, y_proba, k=2, labels=model.classes_),
        "neg_log_loss": -log_loss(y, y_proba, labels=model.classes_),
        "neg_calibration_error": -expected_calibration_error(y, y_proba, classes=model.classes_),
        "voter_agreement": (y_pred == y).mean(),
    }
    scores = {name: scorer(model, X, y) for name, scorer in SCORERS.items()}
    assert scores == pytest.approx(expected)
    for name, scorer in pickle.loads(pickle.dumps(SCORERS)).items():
        assert scorer(model, X, y) == scores[name]


def test_scorers_accept_images_without_some_classes(small):
    X, y = small[0].reshape(70, -1), small[1]
    model = DummyClassifier(strategy="uniform").fit(X, y)
    rows = np.isin(y, ["happy", "sad"])
    scores = {name: scorer(model, X[rows], y[rows]) for name, scorer in SCORERS.items()}
    assert np.isfinite(list(scores.values())).all()
    assert scores["neg_log_loss"] == pytest.approx(np.log(1 / 7))


def test_log_loss_of_an_unknown_label_is_an_error(small):
    X, y = small[0].reshape(70, -1), small[1]
    model = DummyClassifier().fit(X[y != "sad"], y[y != "sad"])
    with pytest.raises(ValueError, match=r"the labels \['sad'\], which the classifier does not"):
        SCORERS["neg_log_loss"](model, X, y)


VOTES = np.array([[0.6, 0.4, 0.0], [0.1, 0.0, 0.9], [0.2, 0.5, 0.3]])
NAMES = ["sad", "fear", "angry"]


def test_agreement_is_the_mean_share_of_the_voters_for_the_predicted_class():
    y_pred = ["fear", "angry", "happy"]  # nobody voted for the last one
    expected = pytest.approx((0.4 + 0.9 + 0) / 3)
    assert voter_agreement(VOTES, y_pred, classes=NAMES) == expected
    assert voter_agreement(pd.DataFrame(VOTES, columns=NAMES), y_pred) == expected
    assert voter_agreement(VOTES, [1, 2, 3]) == expected
    assert voter_agreement(["fear", "sad"], ["fear", "fear"], classes=NAMES) == 0.5


def test_scorers_of_a_classifier_that_was_fitted_on_votes(small):
    X, y = small
    names = np.unique(y)
    votes = np.where(y[:, np.newaxis] == names, 0.7, 0.05)
    model = FERDenseClassifier((4,), max_epochs=1, random_state=0)
    for target, labels in (
        (pd.DataFrame(votes, columns=names), y),
        (votes, np.searchsorted(names, y)),
    ):
        model.fit(X[:42], target[:42])
        of_votes = {name: scorer(model, X[42:], target[42:]) for name, scorer in SCORERS.items()}
        of_labels = {name: scorer(model, X[42:], labels[42:]) for name, scorer in SCORERS.items()}
        accuracy = of_labels["accuracy"]
        assert of_labels.pop("voter_agreement") == accuracy
        assert of_votes.pop("voter_agreement") == pytest.approx(0.05 + 0.65 * accuracy)
        assert of_votes == of_labels
    frame = pd.DataFrame(votes, columns=names)
    search = GridSearchCV(model, {"lr": [0.001]}, scoring=SCORERS["voter_agreement"], cv=2)
    assert 0.05 <= search.fit(X, frame).best_score_ <= 0.7


def test_scorers_in_a_search_and_in_cross_validation(small):
    X, y = small
    model = FERDenseClassifier((4,), max_epochs=1, random_state=0)
    search = GridSearchCV(model, {"lr": [0.001]}, scoring=SCORERS, refit="f1_macro", cv=2)
    search.fit(X, y)
    for name in SCORERS:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all(), name
    scoring = SCORERS["neg_calibration_error"]
    assert (cross_validate(model, X, y, cv=2, scoring=scoring)["test_score"] < 0).all()


def test_interval_of_the_accuracy_is_that_of_the_binomial_distribution():
    y_true = np.zeros(400, dtype=int)
    y_pred = (np.arange(400) >= 300).astype(int)
    interval = bootstrap_interval(y_true, y_pred, n_resamples=1000)
    assert interval.score == 0.75
    low, high = binom.ppf([0.025, 0.975], 400, 0.75) / 400
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.01)
    narrow = bootstrap_interval(y_true, y_pred, confidence_level=0.5)
    assert interval.low < narrow.low < 0.75 < narrow.high < interval.high


def test_interval_is_the_same_for_the_same_seed_and_leaves_global_random_state():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.choice(["a", "b"], 50), rng.choice(["a", "b"], 50)
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    intervals = [
        bootstrap_interval(y_true, y_pred, random_state=seed, n_resamples=50) for seed in (0, 0, 1)
    ]
    assert intervals[0] == intervals[1] != intervals[2]
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_interval_of_a_score_of_probabilities():
    y_true = np.array(["a", "b", "a", "b"] * 10)
    metric = partial(expected_calibration_error, classes=["a", "b"])
    interval = bootstrap_interval(
        y_true, np.tile(PROBABILITIES, (10, 1)), metric=metric, n_resamples=50
    )
    assert interval.low <= interval.score == pytest.approx(0.39)
    assert interval.high < 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("aaaaaaaaaa", "aaaaaaaaaa", (0, 0, 0, 1)),
        ("aaaaabbbbb", "bbbbbaaaaa", (5, 5, 0, 1)),
        ("aaaaaaaaab", "abbbbbbbbb", (8, 0, -0.8, 2 / 2**8)),
        ("bbbbaaaaaa", "aaabaaaaab", (1, 3, 0.2, 2 * 5 / 16)),
    ],
)
def test_mcnemar(first, second, expected):
    result = mcnemar_test(["a"] * 10, list(first), list(second))
    found = result.only_first, result.only_second, result.difference, result.pvalue
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcnemar_test([], [], []), "got no images"),
        (lambda: mcnemar_test(["a"], ["a"], ["a", "b"]), "inconsistent numbers"),
        (lambda: mcnemar_test(["a"], "a", ["a"]), "'y_pred_first' parameter .* array-like"),
        (lambda: bootstrap_interval(["a"], ["a"]), "got 1 images, expected two or more"),
        (lambda: bootstrap_interval(["a", "b"], ["a"]), "inconsistent numbers"),
        (lambda: bootstrap_interval(["a", "b"], ["a", "b"], confidence_level=1), "confidence_le"),
        (lambda: bootstrap_interval(["a", "b"], ["a", "b"], metric="f1"), "must be a callable"),
        (lambda: voter_agreement(VOTES, ["sad"] * 3), "y_pred has the label 'sad', but the clas"),
        (lambda: voter_agreement(VOTES, ["sad"] * 2, classes=NAMES), "inconsistent numbers"),
        (lambda: voter_agreement(VOTES, [0] * 3, classes=NAMES[1:]), "3 columns, but there are 2"),
        (lambda: voter_agreement(VOTES * 10, [0] * 3), "row 0 sums to 10"),
        (lambda: voter_agreement(VOTES * np.nan, [0] * 3), "row 0 sums to nan"),
        (lambda: top_k_accuracy(["a", "b"], np.eye(2), k=3), "got k=3, but y_proba has 2 columns"),
        (lambda: top_k_accuracy(["a", "b"], np.eye(2), k=0), "'k' parameter"),
        (lambda: top_k_accuracy(["a", "b"], np.eye(2) * 3), "with the sum 3, expected prob"),
        (lambda: top_k_accuracy(["a", "a"], np.eye(2)), "1 different labels in y_true; pass cl"),
        (lambda: expected_calibration_error(["a", "b"], np.eye(2), n_bins=0), "'n_bins' param"),
        (lambda: expected_calibration_error(["a"], np.eye(2)), "inconsistent numbers"),
        (lambda: expected_calibration_error(["a", "b"], [0.5, 0.5]), "Expected 2D array"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_scorers_of_probabilities_need_them(small):
    X, y = small[0].reshape(70, -1), small[1]
    with pytest.raises(AttributeError, match="predict_proba"):
        SCORERS["top_2_accuracy"](RidgeClassifier().fit(X, y), X, y)
