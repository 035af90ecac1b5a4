import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier

from sk_fer import FERDenseClassifier
from sk_fer.inspection import MistakesDisplay

CLASSES = ["fear", "happy", "sad"]
Y_TRUE = np.array(["fear", "fear", "sad", "happy", "sad"])
Y_PROBA = [[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [0.1, 0.0, 0.9], [0.5, 0.1, 0.4]]


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).integers(0, 256, (5, 64), dtype=np.uint8)


def plot(X, ax, y_true=Y_TRUE, y_proba=Y_PROBA, **parameters):
    return MistakesDisplay.from_predictions(X, y_true, y_proba, ax=ax, **parameters)


def test_the_most_confident_errors_come_first(X, ax):
    display = plot(X, ax)
    assert display.indices.tolist() == [3, 2, 0, 4]
    assert display.y_pred.tolist() == ["sad", "fear", "sad", "fear"]
    assert display.confidence.tolist() == [0.9, 0.8, 0.7, 0.5]
    np.testing.assert_array_equal(display.images, X[[3, 2, 0, 4]].reshape(4, 8, 8))
    assert ax.texts[0].get_text() == "sad 90%\n(is happy)"


@pytest.mark.parametrize(
    ("choice", "indices"),
    [
        ({"true_class": "sad"}, [2, 4]),
        ({"predicted_class": "sad"}, [3, 0]),
        ({"true_class": "fear", "predicted_class": "sad"}, [0]),
        ({"true_class": "happy", "predicted_class": "fear"}, []),
    ],
)
def test_errors_of_a_true_and_a_predicted_class(X, ax, choice, indices):
    display = plot(X, ax, **choice)
    assert display.indices.tolist() == indices
    assert display.n_mistakes == len(indices)


def test_all_errors_are_counted_beyond_those_in_the_plot(X, ax):
    display = plot(X, ax, n_images=2)
    assert (len(display.images), display.n_mistakes) == (2, 4)


def test_without_errors_the_plot_says_so(X, ax):
    display = plot(X, ax, y_true=["sad", "fear", "fear", "sad", "fear"], classes=CLASSES)
    assert (len(display.images), display.n_mistakes) == (0, 0)
    assert [text.get_text() for text in ax.texts] == ["No errors"]


def test_a_label_that_is_no_class_counts_as_an_error(X, ax):
    display = plot(X, ax, y_true=np.where(Y_TRUE == "happy", "bored", Y_TRUE), classes=CLASSES)
    assert display.indices[0] == 3
    assert display.y_true[0] == "bored"


def test_from_estimator(ax, faces):
    X, y = faces
    model = FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X[:70], y[:70])
    display = MistakesDisplay.from_estimator(model, X[70:], y[70:], n_images=300, ax=ax)
    y_pred = model.predict(X[70:])
    assert sorted(display.indices) == np.flatnonzero(y_pred != y[70:]).tolist()
    assert (np.diff(display.confidence) <= 0).all()
    np.testing.assert_array_equal(display.y_pred, y_pred[display.indices])
    np.testing.assert_array_equal(display.images.reshape(-1, 2304), X[70:][display.indices])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"y_true": Y_TRUE[:4]}, "inconsistent numbers of samples"),
        ({"y_proba": Y_PROBA[:4]}, "inconsistent numbers of samples"),
        ({"y_proba": np.array(Y_PROBA) * 2}, r"row 0 .* with the sum 2, expected probabilities"),
        ({"y_proba": np.array(Y_PROBA) - [0.2, 0, -0.2]}, "row 0 .* from 0 to 1"),
        ({"y_proba": np.full((5, 3), np.nan)}, "contains NaN"),
        ({"y_true": ["sad"] * 5}, r"3 columns, but there are 1 different labels .* pass classes="),
        ({"classes": ["sad", "fear"]}, "3 columns, but there are 2 classes"),
        ({"classes": ["sad", "sad", "fear"]}, "expected each class once"),
        ({"true_class": "bored"}, r"got true_class='bored', expected one of \['fear', 'happy'"),
        ({"predicted_class": 3}, "got predicted_class=3"),
        ({"n_images": -1}, "got n_images=-1"),
        ({"n_columns": 0}, "got n_columns=0"),
    ],
)
def test_bad_input(X, ax, parameters, message):
    with pytest.raises(ValueError, match=message):
        plot(X, ax, **parameters)


def test_bad_estimators(faces, ax):
    X, y = faces
    with pytest.raises(TypeError, match="RidgeClassifier has no predict_proba"):
        MistakesDisplay.from_estimator(RidgeClassifier().fit(X, y), X, y, ax=ax)
    with pytest.raises(NotFittedError):
        MistakesDisplay.from_estimator(FERDenseClassifier(), X, y, ax=ax)
    with pytest.raises(TypeError, match="got ax=5"):
        plot(X[:5, :64], 5)
    plt.close("all")
