import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sk_fer import FERFeatures
from sk_fer.inspection import EmbeddingDisplay
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer

from ..helpers import cnn, dense, pretrained


@pytest.fixture
def ax():
    return Figure().subplots()


def components(features):
    return PCA(2, random_state=0).fit_transform(features)


def test_the_features_of_a_dense_network(small, ax):
    X, y = small
    model = dense(precision="float32").fit(X, y)
    display = EmbeddingDisplay.from_estimator(model, X, y, ax=ax)
    features = model.net_.features(model._new_dataset(X), pooled=False)
    assert features.shape == (70, 8)
    np.testing.assert_allclose(display.embedding, components(features), atol=1e-4)
    assert display.y.tolist() == y.tolist()
    assert ax.get_xlabel().startswith("Component 1 (")
    names = {text.get_text() for text in ax.texts}
    assert names == set(y) == {text.get_text() for text in ax.get_legend().get_texts()}


@pytest.mark.parametrize("head", ["linear", "conv"])
def test_the_mean_of_each_channel_of_a_feature_map(small, ax, head):
    X, y = small
    model = pretrained(head=head, max_epochs=1, input_size=32).fit(X, y)
    display = EmbeddingDisplay.from_estimator(model, X, y, ax=ax)
    np.testing.assert_allclose(display.embedding, components(model.transform(X)), atol=1e-4)


def test_the_steps_before_a_classifier_are_applied(small, ax):
    X, y = small
    features = FERFeatures("fast", weights=None, random_state=0, precision="float32").fit(X)
    expected = components(features.transform(X))
    pipeline = make_pipeline(features, LogisticRegression(max_iter=1000)).fit(X, y)
    search = GridSearchCV(pipeline, {"logisticregression__C": [1]}, cv=2).fit(X, y)
    for estimator in (features, pipeline, search):
        display = EmbeddingDisplay.from_estimator(estimator, X, y, ax=ax)
        np.testing.assert_allclose(display.embedding, expected, atol=1e-4)
    steps = make_pipeline(ImageResizer(16), HistogramEqualizer(), cnn(precision="float32"))
    steps.fit(X, y)
    display = EmbeddingDisplay.from_estimator(steps, X, y, ax=ax)
    alone = EmbeddingDisplay.from_estimator(steps[-1], steps[:-1].transform(X), y, ax=ax)
    np.testing.assert_array_equal(display.embedding, alone.embedding)


def test_t_sne_is_repeatable(small, ax):
    rows, y = small[0].reshape(70, -1), small[1]
    features = PCA(5, random_state=0).fit(rows)
    first, second = (
        EmbeddingDisplay.from_estimator(features, rows, y, method="tsne", ax=ax) for _ in range(2)
    )
    np.testing.assert_array_equal(first.embedding, second.embedding)
    assert first.axis_names == ("t-SNE 1", "t-SNE 2")


def test_equal_images_are_one_point(small, ax):
    X, y = small
    model = dense(max_epochs=1).fit(X, y)
    display = EmbeddingDisplay.from_estimator(model, np.repeat(X[:1], 5, axis=0), y[:5], ax=ax)
    np.testing.assert_allclose(display.embedding, 0, atol=1e-6)


def test_names_of_classes_do_not_cover_each_other():
    y = [f"class {i}" for i in range(8)]
    figure = Figure(layout="constrained")
    positions = np.array([[0, 0]] * 7 + [[9, 9]]) + np.random.RandomState(0).uniform(size=(8, 2))
    EmbeddingDisplay.from_embedding(positions, y, ax=(ax := figure.subplots()))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert [box.count_overlaps(boxes) for box in boxes] == [1] * 8  # with itself alone
    moves = dict(zip(y, (text.get_position() for text in ax.texts), strict=True))
    assert moves["class 7"] == (0, 0)
    assert all(x == 0 and 0 <= up < 150 for x, up in moves.values())


def test_given_positions_with_more_classes_than_colours(ax):
    positions = np.arange(40.0).reshape(20, 2)
    display = EmbeddingDisplay.from_embedding(positions, [f"$class_{i}" for i in range(20)], ax=ax)
    np.testing.assert_array_equal(display.embedding, positions)
    looks = {
        (tuple(points.get_facecolor()[0]), points.get_paths()[0].vertices.tobytes())
        for points in ax.collections
    }
    assert len(looks) == 20
    ax.figure.canvas.draw()  # a name is no formula


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"method": "umap"}, ValueError, "got method='umap', expected one of pca, tsne"),
        ({"y": ["sad"]}, ValueError, "inconsistent numbers of samples"),
        ({"X": np.zeros((2, 24, 24)), "y": ["sad", "fear"]}, ValueError, "got 2 images with 8"),
        ({"ax": 5}, TypeError, "got ax=5, expected matplotlib Axes"),
        ({"estimator": dense()}, NotFittedError, "not fitted"),
    ],
)
def test_bad_input(small, ax, parameters, kind, message):
    X, y = small
    model = dense(max_epochs=1).fit(X, y)
    arguments = {"estimator": model, "X": X, "y": y, "ax": ax, **parameters}
    with pytest.raises(kind, match=message):
        EmbeddingDisplay.from_estimator(**arguments)


def test_a_classifier_without_features(small, ax):
    X, y = small[0].reshape(70, -1), small[1]
    with pytest.raises(
        TypeError, match="LogisticRegression has no features; expected a classifier of"
    ):
        EmbeddingDisplay.from_estimator(LogisticRegression(max_iter=2000).fit(X, y), X, y, ax=ax)


@pytest.mark.parametrize(
    ("embedding", "message"),
    [(np.zeros((3, 3)), r"of shape \(3, 3\), expected"), ([[0, np.nan]] * 3, "contains NaN")],
)
def test_bad_positions(ax, embedding, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingDisplay.from_embedding(embedding, ["sad", "fear", "sad"], ax=ax)
