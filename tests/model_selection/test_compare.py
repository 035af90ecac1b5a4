import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR

from sk_fer import FERCNNClassifier, FERDenseClassifier, FERPretrainedClassifier
from sk_fer.model_selection import compare
from sk_fer.preprocessing import ImageResizer

SCORES = ["accuracy", "f1_macro", "balanced_accuracy", "log_loss"]
DENSE = FERDenseClassifier((8,), max_epochs=2, random_state=0)


class Broken(ClassifierMixin, BaseEstimator):
    """Fails in one of its methods."""

    def __init__(self, method="fit"):
        self.method = method

    def fit(self, X, y):
        if self.method == "fit":
            raise KeyError("no fit today")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        raise KeyError("no prediction today")


class AlwaysHappy(ClassifierMixin, BaseEstimator):
    """Predicts one class, and gives no probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), "happy")


@pytest.fixture(scope="module")
def split(faces):
    """Faces of 16 x 16 pixels: 70 to train on, 42 to score on."""
    X, y = faces
    X = ImageResizer((16, 16)).fit_transform(X[:112])
    return X[:70], y[:70], X[70:], y[70:112]


def test_scores_are_those_of_a_fit_by_hand(split):
    X_train, y_train, X_test, y_test = split
    table = compare({"net": DENSE, "bayes": GaussianNB()}, *split)
    assert table.index.tolist() == ["net", "bayes"]
    for name, model in {"net": DENSE, "bayes": GaussianNB()}.items():
        model.fit(X_train, y_train)
        y_pred = model.predict(X_test)
        expected = [
            accuracy_score(y_test, y_pred),
            f1_score(y_test, y_pred, average="macro"),
            balanced_accuracy_score(y_test, y_pred),
            log_loss(y_test, model.predict_proba(X_test)),
        ]
        np.testing.assert_allclose(table.loc[name, SCORES].astype(float), expected)


def test_sizes_and_speeds(split, tmp_path):
    pipeline = make_pipeline(ImageResizer((8, 8)), DENSE)
    table = compare([DENSE, pipeline, MLPClassifier((4,), max_iter=1000)], *split)
    assert table["parameters"].tolist() == [
        16 * 16 * 8 + 8 + 8 * 7 + 7,
        8 * 8 * 8 + 8 + 8 * 7 + 7,
        16 * 16 * 4 + 4 + 4 * 7 + 7,
    ]
    images = table["train_images_per_second"] * table["train_seconds"]
    np.testing.assert_allclose(images, [140, 140, np.nan])
    assert (table["predict_images_per_second"] > 0).all()
    path = tmp_path / "model.skfer"
    DENSE.fit(split[0], split[1]).save_model(path)
    assert abs(table["model_bytes"].iloc[0] - path.stat().st_size) < 100  # seconds in the history


def test_what_is_not_known_is_missing(split):
    table = compare([KNeighborsClassifier(), RidgeClassifier()], *split)
    assert table["parameters"].isna().tolist() == [True, False]
    assert table["log_loss"].isna().tolist() == [False, True]
    assert table["train_images_per_second"].isna().all()
    assert (table["model_bytes"] > 0).all()


def test_a_class_that_is_predicted_and_not_there_or_there_and_not_predicted(split):
    X_train, y_train, X_test, y_test = split
    rows = np.isin(y_test, ["sad", "fear"])
    table = compare([AlwaysHappy()], X_train, y_train, X_test[rows], y_test[rows])
    assert table[["accuracy", "f1_macro", "balanced_accuracy"]].eq(0).all(axis=None)
    rows = np.isin(y_test, ["sad", "happy"])
    table = compare([AlwaysHappy()], X_train, y_train, X_test[rows], y_test[rows])
    assert table["balanced_accuracy"].item() == 0.5


def test_names_tell_apart(split):
    cnn = FERCNNClassifier("sequential", max_epochs=1, random_state=0)
    wide = LogisticRegression(C=1e-6, max_iter=3, tol=1e3)
    table = compare(
        [
            DENSE,
            cnn,
            make_pipeline(ImageResizer((8, 8)), wide),
            make_pipeline(ImageResizer((8, 12)), wide),
            ("named", cnn),
        ],
        *split,
    )
    assert table.index.tolist() == [
        "FERDenseClassifier",
        "FERCNNClassifier",
        "ImageResizer + LogisticRegression(imageresizer__size=(8, 8))",
        "ImageResizer + LogisticRegression(imageresizer__size=(8, 12))",
        "named",
    ]
    assert table.loc["FERCNNClassifier", SCORES].equals(table.loc["named", SCORES])


def test_the_classifiers_given_are_left_alone(split):
    model = FERDenseClassifier((8,), max_epochs=1, random_state=0)
    compare([model], *split)
    assert not hasattr(model, "classes_")


def test_soft_targets_to_train_on(split):
    X_train, y_train, X_test, y_test = split
    shares = pd.get_dummies(pd.Series(y_train)).astype(float)
    soft = compare([DENSE], X_train, shares, X_test, y_test)
    hard = compare([DENSE], *split)
    assert soft["accuracy"].equals(hard["accuracy"])


@pytest.mark.parametrize("method", ["fit", "predict"])
def test_a_failure_ends_it_or_is_a_row_of_nan(split, method):
    models = {"first": GaussianNB(), "broken": Broken(method), "last": GaussianNB()}
    with pytest.raises(KeyError) as raised:
        compare(models, *split)
    assert raised.value.__notes__ == ["This was 'broken' of the classifiers to compare."]
    with pytest.warns(FitFailedWarning, match=r"'broken' failed, its row is NaN: KeyError: 'no "):
        table = compare(models, *split, error_score=np.nan)
    assert table.loc["broken"].isna().all()
    assert table.loc["first", SCORES].equals(table.loc["last", SCORES])
    assert table.dtypes.equals(compare([GaussianNB()], *split).dtypes)


def test_interruption_is_no_failure(split, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(GaussianNB, "fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        compare([GaussianNB()], *split, error_score=np.nan)


X, Y = np.zeros((4, 64), dtype=np.uint8), ["happy", "sad", "happy", "sad"]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (([],), ValueError, "got no estimators"),
        ((DENSE,), TypeError, "The 'estimators' parameter of compare must be"),
        (([DENSE, 3],), TypeError, r"estimators\[1\] is 3 of type int, wanted a classifier"),
        (({"a": SVR()},), TypeError, "'a' is SVR"),
        (([FERDenseClassifier],), TypeError, r"estimators\[0\] is <class"),
        (([("a", DENSE, 1)],), TypeError, r"wanted \(name, classifier\)"),
        (([(1, DENSE)],), TypeError, r"wanted \(name, classifier\)"),
        (([DENSE, DENSE],), ValueError, "several estimators of the name 'FERDenseClassifier'"),
        (([("a", DENSE), ("a", GaussianNB())],), ValueError, "several estimators of the name 'a'"),
        (([DENSE], X, Y[:3]), ValueError, "X_train has 4 images and y_train 3 labels"),
        (([DENSE], X, Y, X, Y[:3]), ValueError, "X_test has 4 images and y_test 3 labels"),
        (([DENSE], X, Y, X[:0], []), ValueError, "X_test has 0 images"),
        (([DENSE], X, Y, X[:, :16]), ValueError, r"shape \(64,\), but X_test of \(16,\)"),
        (([DENSE], X, Y, X, ["fear"] * 4), ValueError, r"y_test has labels .* got \['fear'\]"),
        (([DENSE], X, ["sad", None] * 2), ValueError, "y_train has a missing label in row 1"),
        (([DENSE], X, None), ValueError, "The 'y_train' parameter of compare must be"),
    ],
)
def test_bad_input_is_refused_before_anything_is_fitted(arguments, kind, words, monkeypatch):
    monkeypatch.setattr(FERDenseClassifier, "fit", lambda *_: pytest.fail("fitted"))
    with pytest.raises(kind, match=words):
        compare(*arguments, *(X, Y, X, Y)[len(arguments) - 1 :])


def test_a_device_that_is_not_there_is_a_row_of_nan(split):
    models = {"bayes": GaussianNB(), "dense": FERDenseClassifier((8,), device="cuda:99")}
    with pytest.warns(FitFailedWarning, match="'dense' failed, .*'cuda:99'"):
        table = compare(models, *split, error_score=np.nan)
    assert table["accuracy"].isna().tolist() == [False, True]


def test_weights_tell_names_apart(split):
    X, y = split[:2]
    first = FERCNNClassifier(max_epochs=1, random_state=0).fit(X[:20, :256], y[:20])
    settings = {"backbone": "fast", "max_epochs": 1, "random_state": 0}
    models = [FERPretrainedClassifier(**settings, weights=weights) for weights in (first, None)]
    table = compare(models, X[:20, :256], y[:20], X[:20, :256], y[:20])
    assert table.index.tolist() == [
        "FERPretrainedClassifier(weights=FERCNNClassifier)",
        "FERPretrainedClassifier(weights=None)",
    ]
