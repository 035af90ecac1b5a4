import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier
from sk_fer.inspection import FacesDisplay
from sk_fer.preprocessing import PixelParser


@pytest.fixture
def ax():
    return Figure().subplots()


def titles(display):
    return [text.get_text() for text in display.ax_.texts]


def frames(display):
    return len(display.ax_.patches)


def test_first_images_with_their_labels(ax, faces):
    X, y = faces
    display = FacesDisplay.from_images(X, y, n_images=3, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    np.testing.assert_array_equal(display.images, X[:3].reshape(3, 48, 48))
    np.testing.assert_array_equal(ax.images[2].get_array(), X[2].reshape(48, 48))
    assert titles(display) == y[:3].tolist()


def test_images_are_placed_row_by_row(ax, faces):
    FacesDisplay.from_images(faces[0], n_images=5, n_columns=3, ax=ax)
    places = [image.get_extent() for image in ax.images]
    assert len({left for left, *_ in places}) == 3
    assert places[0][3] == places[2][3] < places[3][3] == places[4][3]
    assert all(bottom > top for _, _, bottom, top in places)  # not upside down


def test_without_labels_there_are_no_titles(ax, faces):
    assert set(titles(FacesDisplay.from_images(faces[0][:2], ax=ax))) == {""}


def test_wrong_predictions_have_a_frame_and_both_labels(ax, faces):
    display = FacesDisplay.from_predictions(
        faces[0][:3], ["sad", "fear", "sad"], ["sad", "happy", "sad"], confidence=[1, 0.5, 0.25],
        ax=ax,
    )  # fmt: skip
    assert titles(display) == ["sad 100%", "happy 50%\n(is fear)", "sad 25%"]
    assert frames(display) == 1
    assert display.ax_.texts[1].get_fontweight() == "bold"


def test_from_estimator_shows_the_most_probable_class(ax, faces):
    X, y = faces
    model = FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X[:70], y[:70])
    display = FacesDisplay.from_estimator(model, X[70:], y[70:], n_images=9, ax=ax)
    probabilities = model.predict_proba(X[70:79])
    np.testing.assert_array_equal(display.y_pred, model.predict(X[70:79]))
    np.testing.assert_allclose(display.confidence, probabilities.max(axis=1), rtol=1e-5)
    assert frames(display) == (display.y_pred != y[70:79]).sum()


def test_the_prediction_is_that_of_predict_where_it_is_not_the_most_probable_class(ax, faces):
    X, y = faces
    model = DummyClassifier(strategy="prior").fit(X, y == "happy")
    model = FixedThresholdClassifier(FrozenEstimator(model), threshold=0.05).fit(X, y == "happy")
    display = FacesDisplay.from_estimator(model, X, n_images=2, ax=ax)
    assert display.y_pred.tolist() == [True, True]
    np.testing.assert_allclose(display.confidence, (y == "happy").mean())


def test_from_estimator_without_probabilities_or_labels(ax, faces):
    X, y = faces
    display = FacesDisplay.from_estimator(RidgeClassifier().fit(X, y), X, n_images=4, ax=ax)
    assert titles(display) == y[:4].tolist()
    assert display.confidence is None
    assert frames(display) == 0


def test_strings_of_pixels_are_plotted_as_the_pipeline_reads_them(ax, small):
    X, y = small[0].reshape(70, -1), small[1]
    strings = [" ".join(map(str, row)) for row in X]
    model = make_pipeline(PixelParser(), DummyClassifier()).fit(strings, y)
    display = FacesDisplay.from_estimator(model, strings, y, n_images=2, ax=ax)
    np.testing.assert_array_equal(display.images, small[0][:2])


def test_flat_images_have_the_shape_of_the_fit(ax):
    X = np.random.default_rng(0).integers(0, 256, (14, 6 * 10 * 3), dtype=np.uint8)
    model = FERDenseClassifier((4,), max_epochs=1, image_shape=(6, 10, 3), random_state=0)
    model.fit(X, ["a", "b"] * 7)
    display = FacesDisplay.from_estimator(model, X, ax=ax)
    np.testing.assert_array_equal(display.images, X.reshape(14, 6, 10, 3))
    display = FacesDisplay.from_images(X, image_shape=(6, 10, 3), ax=ax)
    np.testing.assert_array_equal(display.images, X.reshape(14, 6, 10, 3))


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [([0, 0.5, 1, 1], [0, 0.5, 1, 1]), ([0, 51, 255, 0], [0, 0.2, 1, 0]), ([-1, 0, 1, 3], None)],
)
def test_float_images_are_scaled_from_0_to_1(ax, pixels, shown):
    display = FacesDisplay.from_images(np.array([pixels], dtype=np.float32), image_shape=2, ax=ax)
    expected = [0, 0.25, 0.5, 1] if shown is None else shown
    np.testing.assert_allclose(display.images.ravel(), expected)
    assert ax.images[0].get_clim() == (0, 1)


def test_names_are_drawn_as_they_are_and_long_ones_are_cut(ax, faces):
    names = ["<b>$x^2$</b>", "an expression with a long name"]
    display = FacesDisplay.from_images(faces[0][:2], names, ax=ax)
    first, second = display.ax_.texts
    assert first.get_text() == "<b>$x^2$</b>"
    assert not first.get_parse_math()
    assert len(second.get_text()) <= 14
    assert second.get_text().endswith("…")
    assert display.y_true.tolist() == names


def test_new_figure(faces):
    plt.switch_backend("agg")
    display = FacesDisplay.from_images(*faces)
    try:
        assert len(display.images) == 21
        assert display.figure_.axes == [display.ax_]
    finally:
        plt.close(display.figure_)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda X, y: FacesDisplay.from_images(X, y[:3]), ValueError, "inconsistent numbers"),
        (lambda X, y: FacesDisplay.from_images(X, n_images=0), ValueError, "got n_images=0"),
        (lambda X, y: FacesDisplay.from_images(X, n_columns=1.5), ValueError, "got n_columns=1.5"),
        (lambda X, y: FacesDisplay.from_images(X, ax=5), TypeError, "got ax=5, expected mat"),
        (lambda X, y: FacesDisplay.from_images(X[:, :99]), ValueError, "not a square number"),
        (lambda X, y: FacesDisplay.from_images(X[:3].reshape(3, 24, 24, 4)), ValueError, "4 chan"),
        (lambda X, y: FacesDisplay.from_images(X * np.nan), ValueError, "NaN or infinity"),
        (lambda X, y: FacesDisplay.from_images(["a.png"]), ValueError, "ImageReader"),
        (
            lambda X, y: FacesDisplay.from_predictions(X, None, y, confidence=[1.5] * len(X)),
            ValueError,
            "confidences from 1.5 to 1.5",
        ),
        (
            lambda X, y: FacesDisplay.from_estimator(FERDenseClassifier(), X),
            NotFittedError,
            "not fitted yet",
        ),
        (lambda X, y: FacesDisplay.from_estimator(5, X), TypeError, "not an estimator"),
    ],
)
def test_bad_input(call, error, message, faces):
    plt.switch_backend("agg")
    with pytest.raises(error, match=message):
        call(*faces)
    plt.close("all")
