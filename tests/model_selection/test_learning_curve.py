import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_fer import FERDenseClassifier
from sk_fer.metrics import SCORERS
from sk_fer.model_selection import learning_curve


class BySize(ClassifierMixin, BaseEstimator):
    """Has a score that depends on the number of training images and on the seed."""

    def __init__(self, scores=None, random_state=None):
        self.scores = scores
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.score_ = self.scores[len(X)] + (self.random_state - 1) * 0.02
        self.counts_ = np.unique(y, return_counts=True)[1].tolist()
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


X, Y = np.zeros((100, 4)), np.array(["a", "b", "c", "d"] * 25)


def curve(scores, **parameters):
    return learning_curve(
        BySize(scores), X, Y, X[:8], Y[:8],
        **{"fractions": list(np.array(list(scores)) / 100), "scoring": score, **parameters},
    )  # fmt: skip


def score(model, X, y):
    return model.score_


@pytest.mark.parametrize(
    ("scores", "enough", "best"),
    [
        ({20: 0.5, 40: 0.7, 60: 0.795, 100: 0.8}, 0.6, 1),  # the standard error is 0.0115
        ({20: 0.5, 40: 0.7, 60: 0.78, 100: 0.8}, 1, 1),
        ({20: 0.79, 40: 0.7, 60: 0.8, 100: 0.6}, 0.2, 0.6),
        ({20: 0.8, 40: 0.8, 60: 0.8, 100: 0.8}, 0.2, 0.2),
    ],
)
def test_the_smallest_fraction_within_one_standard_error_is_enough(scores, enough, best):
    found = curve(scores)
    assert (found.enough, found.best_fraction) == (enough, best)
    np.testing.assert_allclose(found.table["score"], list(scores.values()))
    np.testing.assert_allclose(found.table["standard_error"], 0.02 / np.sqrt(3))
    np.testing.assert_allclose(found.scores[0] - scores[20], [-0.02, 0, 0.02], atol=1e-12)
    images = {1: "all 100 images", 0.6: "60 images (a fraction of 0.6)"}
    images[0.2] = "20 images (a fraction of 0.2)"
    shown = scores[round(100 * enough)]
    assert found.summary.startswith(f"The score with {images[enough]} is {shown:.4f}, after ")
    if enough == best:
        assert "No smaller fraction has a score within one standard error (0.0115)" in found.summary
    else:
        words = "one standard error (0.0115) of the best score, which is 0.8000 with"
        assert f"{words} {images[best]}" in found.summary


def test_fractions_are_in_ascending_order_with_the_same_share_of_each_class(capsys):
    models = []

    def keep(model, X, y):
        models.append(model)
        return 0.5

    found = curve({100: 1, 40: 1}, n_repeats=2, random_state=4, scoring=keep, verbose=1)
    assert found.table.index.tolist() == [0.4, 1.0]
    assert found.table["n_images"].tolist() == [40, 100]
    assert [model.counts_ for model in models] == [[10] * 4] * 2 + [[25] * 4] * 2
    assert [model.random_state for model in models] == [4, 5, 4, 5]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("fraction 0.4, 40 images, repeat 1 of 2: score 0.5000, ")


def test_accuracy_of_a_pipeline_on_faces(small):
    X, y = small
    steps = FunctionTransformer(), FERDenseClassifier((4,), max_epochs=1)
    arguments = make_pipeline(*steps), X[:42], y[:42], X[42:], y[42:]
    first, second = (learning_curve(*arguments, fractions=[0.5, 1], n_repeats=2) for _ in range(2))
    np.testing.assert_array_equal(first.scores, second.scores)
    assert (first.table["seconds"] > 0).all()
    model = make_pipeline(*steps).set_params(ferdenseclassifier__random_state=1)
    assert first.scores[1, 1] == model.fit(X[:42], y[:42]).score(X[42:], y[42:])


def test_scorers_by_name(small):
    X, y = small[0].reshape(70, -1), small[1]
    arguments = GaussianNB(), X[:42], y[:42], X[42:], y[42:]
    found = learning_curve(*arguments, fractions=[1], n_repeats=2, scoring="f1_macro")
    model = GaussianNB().fit(X[:42], y[:42])
    np.testing.assert_allclose(found.scores, SCORERS["f1_macro"](model, X[42:], y[42:]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fractions": [0, 1]}, r"got fractions=\[0, 1\], expected numbers above 0 and at most 1"),
        ({"fractions": [1.5]}, "expected numbers above 0 and at most 1"),
        ({"fractions": [True]}, "expected numbers above 0 and at most 1"),
        ({"fractions": []}, "expected numbers above 0 and at most 1"),
        ({"fractions": [0.5, 0.5]}, "expected each fraction once"),
        ({"fractions": 0.5}, "'fractions' parameter"),
        ({"n_repeats": 1}, "'n_repeats' parameter"),
        ({"scoring": "beauty"}, "'scoring' parameter"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        curve({100: 1}, **parameters)


def test_bad_data():
    with pytest.raises(ValueError, match="X_train has 100 images and y_train 99 labels"):
        learning_curve(GaussianNB(), X, Y[:99], X, Y)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        learning_curve(5, X, Y, X, Y)


def test_a_failed_fit_names_the_fraction():
    with pytest.raises(KeyError) as raised:
        curve({100: 1}, fractions=[0.2, 1])
    assert raised.value.__notes__ == ["The fit was on a fraction of 0.2, 20 images."]
