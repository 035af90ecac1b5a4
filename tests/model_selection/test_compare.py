import sys

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR

from sk_fer import (
    FERCNNClassifier,
    FERDenseClassifier,
    FERFeatures,
    FERPretrainedClassifier,
    save_model,
)
from sk_fer.model_selection import compare
from sk_fer.preprocessing import ImageResizer, ImageStandardizer

from ..helpers import dense

SCORES = ["accuracy", "f1_macro", "balanced_accuracy", "log_loss"]
DENSE = dense()


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
    save_model(DENSE.fit(split[0], split[1]), path)
    assert abs(table["model_bytes"].iloc[0] - path.stat().st_size) < 100  # seconds in the history


def test_what_is_not_known_is_missing(split):
    table = compare([KNeighborsClassifier(), RidgeClassifier()], *split)
    assert table["parameters"].isna().tolist() == [True, False]
    assert table["log_loss"].isna().tolist() == [False, True]
    assert table["train_images_per_second"].isna().all()
    assert (table["model_bytes"] > 0).all()


def test_classes_without_images_or_without_predictions(split):
    X_train, y_train, X_test, y_test = split
    rows = np.isin(y_test, ["sad", "fear"])
    table = compare([AlwaysHappy()], X_train, y_train, X_test[rows], y_test[rows])
    assert table[["accuracy", "f1_macro", "balanced_accuracy"]].eq(0).all(axis=None)
    rows = np.isin(y_test, ["sad", "happy"])
    table = compare([AlwaysHappy()], X_train, y_train, X_test[rows], y_test[rows])
    assert table["balanced_accuracy"].item() == 0.5


def test_labels_that_are_not_trained_on_count_as_wrong(split):
    X_train, y_train, X_test, y_test = split
    rows = y_train != "fear"
    with pytest.warns(UserWarning, match=r"y_test has labels .* not see: \['fear'\]"):
        table = compare([GaussianNB()], X_train[rows], y_train[rows], X_test, y_test)
    y_pred = GaussianNB().fit(X_train[rows], y_train[rows]).predict(X_test)
    assert table["accuracy"].item() == np.mean(y_pred == y_test)
    each_class = [np.mean(y_pred[y_test == name] == name) for name in np.unique(y_test)]
    assert table["balanced_accuracy"].item() == pytest.approx(np.mean(each_class))
    assert table[["log_loss", "error"]].isna().all(axis=None)


def test_names_distinguish_classifiers(split):
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
        "ImageResizer + LogisticRegression(imageresizer__image_size=(8, 8))",
        "ImageResizer + LogisticRegression(imageresizer__image_size=(8, 12))",
        "named",
    ]
    assert table.loc["FERCNNClassifier", SCORES].equals(table.loc["named", SCORES])


def test_the_given_classifiers_are_not_changed(split):
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
def test_a_failure_is_recorded_and_the_others_are_compared(split, method):
    models = {"first": GaussianNB(), "broken": Broken(method), "last": GaussianNB()}
    with pytest.warns(
        FitFailedWarning, match=r"'broken' failed, its scores are NaN: KeyError: 'no "
    ):
        table = compare(models, *split)
    assert table.loc["broken"].drop("error").isna().all()
    assert table.loc["broken", "error"].startswith("KeyError: 'no ")
    assert table["error"].isna().tolist() == [True, False, True]
    assert table.loc["first", SCORES].equals(table.loc["last", SCORES])
    assert table.dtypes.equals(compare([GaussianNB()], *split).dtypes)


def test_a_failure_is_raised_if_error_score_is_raise(split):
    with pytest.raises(KeyError) as raised:
        compare({"first": GaussianNB(), "broken": Broken()}, *split, error_score="raise")
    assert raised.value.__notes__ == ["The classifier is 'broken' of the estimators to compare."]


def test_an_error_if_all_fail(split):
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(
            ValueError, match=r"all 2 estimators failed:\n'a': .*\n'b': KeyErr"
        ) as raised,
    ):
        compare({"a": Broken(), "b": Broken("predict")}, *split)
    assert isinstance(raised.value.__cause__, KeyError)


class Interrupted(Broken):
    """Is interrupted with Ctrl-C in its fit."""

    def fit(self, X, y):
        raise KeyboardInterrupt


def test_an_interruption_keeps_the_finished_scores(split):
    models = {"bayes": GaussianNB(), "long": Interrupted(), "longer": Interrupted()}
    with pytest.warns(FitFailedWarning, match="interrupted; without scores: 'long', 'longer'"):
        table = compare(models, *split)
    assert table["error"].fillna("").tolist() == ["", "interrupted", "interrupted"]
    assert table[SCORES].iloc[:1].equals(compare({"bayes": GaussianNB()}, *split)[SCORES])


@pytest.mark.parametrize(
    ("models", "error_score"),
    [
        ({"long": Interrupted(), "bayes": GaussianNB()}, np.nan),
        ({"bayes": GaussianNB(), "long": Interrupted()}, "raise"),
    ],
)
def test_an_interruption_is_raised_if_there_are_no_scores_or_errors_are(split, models, error_score):
    with pytest.raises(KeyboardInterrupt):
        compare(models, *split, error_score=error_score)


def test_verbose_prints_each_classifier_and_its_accuracy(split, capsys):
    compare({"happy": AlwaysHappy()}, *split, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    share = np.mean(split[3] == "happy")
    assert lines[0] == "happy, 1 of 1, on 70 images"
    assert lines[1].startswith(f"happy: {share:.1%} accurate, ")


X, Y = np.zeros((4, 64), dtype=np.uint8), ["happy", "sad", "happy", "sad"]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (([],), ValueError, "got no estimators"),
        ((DENSE,), TypeError, "The 'estimators' parameter of compare must be"),
        (([DENSE, 3],), TypeError, r"estimators\[1\] is 3 of type int, expected a classifier"),
        (({"a": SVR()},), TypeError, "'a' is SVR"),
        (([FERDenseClassifier],), TypeError, r"estimators\[0\] is <class"),
        (([("a", DENSE, 1)],), TypeError, r"expected \(name, classifier\)"),
        (([(1, DENSE)],), TypeError, r"expected \(name, classifier\)"),
        (([DENSE, DENSE],), ValueError, "several estimators of the name 'FERDenseClassifier'"),
        (([("a", DENSE), ("a", GaussianNB())],), ValueError, "several estimators of the name 'a'"),
        (([DENSE], X, Y[:3]), ValueError, "X_train has 4 images and y_train 3 labels"),
        (([DENSE], X, Y, X, Y[:3]), ValueError, "X_test has 4 images and y_test 3 labels"),
        (([DENSE], X, Y, X[:0], []), ValueError, "X_test has 0 images"),
        (([DENSE], X, Y, X[:, :16]), ValueError, r"shape \(64,\), but X_test of \(16,\)"),
        (([DENSE], X, Y, X, [0, 1, 0, 1]), ValueError, "y_test"),
        (([DENSE], X, ["sad", None] * 2), ValueError, "y_train has a missing label in row 1"),
        (([DENSE], X, None), ValueError, "The 'y_train' parameter of compare must be"),
    ],
)
def test_bad_input_is_refused_before_anything_is_fitted(arguments, kind, words, monkeypatch):
    monkeypatch.setattr(FERDenseClassifier, "fit", lambda *_: pytest.fail("fitted"))
    with pytest.raises(kind, match=words):
        compare(*arguments, *(X, Y, X, Y)[len(arguments) - 1 :])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (FERDenseClassifier(device="cuda:99"), "ValueError: .*'cuda:99'"),
        (FERDenseClassifier(dropout=2), "InvalidParameterError: The 'dropout' parameter"),
        (FERDenseClassifier((0,)), r"ValueError: got hidden_layer_sizes=\(0,\)"),
        (FERDenseClassifier(augment={"blur": 1}), "ValueError: augment has 'blur'"),
        (FERDenseClassifier(callbacks=[3]), "TypeError: callbacks"),
        (FERPretrainedClassifier("fast", weights="no.pth"), "FileNotFoundError: .*no.pth"),
        (FERPretrainedClassifier("fast", weights="no.skfer"), "ValueError: .*is a model file"),
        (FERPretrainedClassifier("fast", weights=FERCNNClassifier()), "NotFittedError: "),
        (FERPretrainedClassifier("fast", weights=GaussianNB()), "TypeError: weights is a Gaussian"),
        (FERPretrainedClassifier("fastest", weights=None), "ValueError: .*'fastest'"),
        (
            FERPretrainedClassifier("fast", weights=None, trainable={2: "all"}),
            "ValueError: trainable=",
        ),
        (
            FERPretrainedClassifier("fast", weights=None, input_size=(0, 1)),
            "ValueError: .*input_size=",
        ),
        (make_pipeline(FERFeatures("fast", weights="no.pth"), GaussianNB()), "FileNotFoundError"),
        (make_pipeline(ImageResizer(-1), GaussianNB()), "InvalidParameterError: The 'image_size'"),
        (LogisticRegression(C=-1), "InvalidParameterError: The 'C' parameter"),
        (BaggingClassifier(LogisticRegression(C=-1)), "InvalidParameterError: The 'C' parameter"),
        (VotingClassifier([("svc", SVC(C=-1))]), "InvalidParameterError: The 'C' parameter"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_the_first_fit(split, model, words, monkeypatch):
    monkeypatch.setattr(GaussianNB, "fit", lambda *_: pytest.fail("fitted"))
    with pytest.raises(ValueError, match=rf"1 of 2 estimators cannot .*\n'bad': .*{words}"):
        compare({"bayes": GaussianNB(), "bad": model}, *split)


def test_all_estimators_that_cannot_be_fitted_are_named_together(split):
    models = {"a": SVC(C=-1), "good": GaussianNB(), "b": FERDenseClassifier(dropout=2)}
    with pytest.raises(ValueError, match=r"2 of 3 estimators .*\n'a': .*'C'.*\n'b': .*'dropout'"):
        compare(models, *split)


def test_a_package_that_is_missing_is_named_before_the_first_fit(split, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r"'net': ImportError: .*pip install .*\[pretrained\]"):
        compare({"net": FERPretrainedClassifier("resnet18", weights=None)}, *split)


def test_weights_that_cannot_be_fetched_are_named_before_the_first_fit(split, monkeypatch):
    def refuse(*_):
        raise ConnectionError("no network")

    monkeypatch.setattr("sk_fer.modules._timm._from_hub", refuse)
    with pytest.raises(ValueError, match=r"'net': OSError: the pretrained weights .*no network"):
        compare({"net": FERPretrainedClassifier("resnet18")}, *split)


def test_parameters_that_a_search_replaces_are_not_checked(split):
    search = GridSearchCV(LogisticRegression(C=-1, max_iter=3, tol=1e3), {"C": [1e-6]}, cv=2)
    assert compare([search], *split)["error"].isna().all()


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


@pytest.mark.parametrize("routing", [False, True])
def test_groups_reach_the_fits_of_our_classifiers_alone(split, routing):
    X_train, y_train, X_test, y_test = split
    people = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 7))
    net = FERDenseClassifier((8,), max_epochs=2, validation_fraction=0.3, random_state=0)
    models = {
        "net": net,
        "pipeline": make_pipeline(ImageStandardizer(), net),
        "features": make_pipeline(FERFeatures("fast", weights=None, random_state=0), GaussianNB()),
    }
    with config_context(enable_metadata_routing=routing):
        table = compare(models, *split, groups=people)
    by_hand = {
        "net": clone(net).fit(X_train, y_train, groups=people),
        "pipeline": clone(models["pipeline"]).fit(
            X_train, y_train, ferdenseclassifier__groups=people
        ),
        "features": models["features"].fit(X_train, y_train),
    }
    for name, model in by_hand.items():
        loss = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
        assert table.loc[name, "log_loss"] == pytest.approx(loss, rel=1e-12)
    assert table.loc["net", "log_loss"] != compare([net], *split)["log_loss"].iloc[0]


def test_groups_of_another_length_are_refused_before_any_fit(split):
    with pytest.raises(ValueError, match="X has 70 and groups has 3"):
        compare([DENSE], *split, groups=[0, 1, 2])
