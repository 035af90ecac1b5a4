import sys

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from sk_fer import FERFeatures
from sk_fer.faces import FaceCropper
from sk_fer.inspection import FacesDisplay, SaliencyDisplay
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer, PixelParser

from ..helpers import cnn, dense, pretrained

pytest.importorskip("captum", reason="SaliencyDisplay needs sk_fer[saliency]")


@pytest.fixture
def ax():
    return Figure().subplots()


class Corner(LogisticRegression):
    """A classifier that looks at one corner only: the probability of 1 is its mean."""

    def predict_proba(self, X):
        share = np.reshape(X, (len(X), 24, 24))[:, :6, :6].mean(axis=(1, 2)) / 255
        return np.column_stack([1 - share, share])


@pytest.fixture
def corner(small):
    return Corner().fit(small[0].reshape(70, -1)[:4], [0, 1, 0, 1])


def test_occlusion_finds_the_pixels_that_matter(corner, ax):
    X = np.zeros((3, 24, 24), dtype=np.uint8)
    X[:, :6, :6] = [[[255]], [[250]], [[200]]]
    display = SaliencyDisplay.from_estimator(corner, X, window=6, ax=ax)
    assert display.labels.tolist() == [1, 1, 1]
    np.testing.assert_allclose(display.confidence, [1, 250 / 255, 200 / 255])
    hidden = np.round(255 * 36 / 576)
    # The first square covers the corner; the others cover a half, a quarter or nothing of it.
    np.testing.assert_allclose(display.maps[0, 0, 0], 1 - hidden / 255, rtol=1e-5)
    assert (display.maps[:, 12:] == 0).all()
    assert (display.maps[:, :, 12:] == 0).all()
    other = SaliencyDisplay.from_estimator(corner, X, window=6, target=0, ax=ax)
    np.testing.assert_allclose(other.maps, -display.maps, atol=1e-6)


@pytest.mark.parametrize("architecture", ["sequential", "vgg", "fast", "accurate"])
def test_grad_cam_does_not_change_the_model(small, ax, architecture):
    X, y = small[0][:14], small[1][:14]
    model = cnn(architecture=architecture, max_epochs=1, precision="float32").fit(X, y)
    before = model.predict_proba(X)
    state = torch.get_rng_state()
    display = SaliencyDisplay.from_estimator(model, X, method="grad_cam", n_images=3, ax=ax)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    module = model.net_.module_
    assert not any(layer.training or layer._forward_hooks for layer in module.modules())
    assert display.maps.shape == (3, 24, 24)
    assert display.maps.min() >= 0


def test_grad_cam_by_hand(faces, ax):
    X, y = faces[0][:21], faces[1][:21]
    model = cnn(architecture="fast", precision="float32").fit(X, y)
    display = SaliencyDisplay.from_estimator(
        model, X, method="grad_cam", target="sad", n_images=2, ax=ax
    )
    module = model.net_.module_
    stages = module.network.features
    pixels = torch.from_numpy(X[:2].reshape(2, 48, 48, 1)).float()
    with torch.no_grad():
        block = stages.stage3[0]
        cells = block.conv(stages.stage2(stages.stage1(stages.stem(module.prepare(pixels)))))
    assert cells.shape[2:] == (6, 6)
    cells = cells.requires_grad_()
    rest = stages.stage3[1](block.relu(block.norm(block.pool(cells))))
    (gradients,) = torch.autograd.grad(
        module.network.head(rest)[:, model.classes_.tolist().index("sad")].sum(), cells
    )
    maps = (gradients.mean((2, 3), keepdim=True) * cells).sum(1, keepdim=True).relu()
    expected = torch.nn.functional.interpolate(maps.detach(), (48, 48), mode="bilinear")[:, 0]
    assert expected.max() > 0
    np.testing.assert_allclose(display.maps, expected, atol=1e-4 * float(expected.max()))
    assert display.labels.tolist() == ["sad", "sad"]


def test_a_frozen_backbone_and_color(ax):
    X = np.random.default_rng(0).integers(0, 256, (14, 40, 48, 3), dtype=np.uint8)
    model = pretrained(trainable="head", max_epochs=1).fit(X, ["sad", "fear"] * 7)
    for method in ("grad_cam", "occlusion"):
        display = SaliencyDisplay.from_estimator(model, X, method=method, n_images=2, ax=ax)
        assert display.images.shape == (2, 40, 48, 3)
        assert display.maps.shape == (2, 40, 48)


@pytest.mark.parametrize("method", ["grad_cam", "occlusion"])
def test_the_preprocessing_of_a_pipeline_is_applied_first(small, ax, method):
    X, y = small
    rows = [" ".join(map(str, row)) for row in X.reshape(70, -1).tolist()]
    first = make_pipeline(PixelParser(), ImageResizer(30), HistogramEqualizer())
    model = make_pipeline(*(step for _, step in first.steps), cnn(architecture="fast")).fit(rows, y)
    display = SaliencyDisplay.from_estimator(model, rows, method=method, n_images=3, ax=ax)
    prepared = first.fit(rows, y).transform(rows[:3])
    np.testing.assert_array_equal(display.images, prepared.reshape(3, 30, 30))
    alone = SaliencyDisplay.from_estimator(model[-1], prepared, method=method, ax=ax)
    np.testing.assert_array_equal(display.maps, alone.maps)


def test_photographs_are_cropped_first(small, ax):
    photographs, y = list(small[0][:14]), small[1][:14]
    cropper = FaceCropper(16, detector="whole")
    model = make_pipeline(cropper, dense()).fit(photographs, y)
    display = SaliencyDisplay.from_estimator(model, photographs, n_images=2, ax=ax)
    np.testing.assert_array_equal(
        display.images.reshape(2, -1), cropper.transform(photographs[:2]).reshape(2, -1)
    )
    shown = FacesDisplay.from_estimator(model, photographs, y, n_images=2, ax=ax)
    np.testing.assert_array_equal(shown.images, display.images)


def test_occlusion_of_any_classifier(small, ax):
    X, y = small
    features = FERFeatures("fast", weights=None, random_state=0)
    for model in (dense(), make_pipeline(features, LogisticRegression(max_iter=1000))):
        display = SaliencyDisplay.from_estimator(model.fit(X, y), X, n_images=2, ax=ax)
        assert display.maps.shape == (2, 24, 24)
        assert np.abs(display.maps).max() > 0
        assert display.images.dtype == np.uint8


def test_a_table_with_column_names(small, ax):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(small[0].reshape(70, -1)).rename(columns=str)
    model = dense(max_epochs=1).fit(frame, small[1])
    assert SaliencyDisplay.from_estimator(model, frame, n_images=2, ax=ax).maps.shape[0] == 2


def test_the_plot_has_a_map_over_each_image_that_has_one(ax):
    maps = np.zeros((2, 8, 8))
    maps[0, 2, 3] = 0.5
    display = SaliencyDisplay(
        np.zeros((2, 8, 8), np.uint8),
        maps,
        labels=np.array(["$sad", "fear"]),
        confidence=np.array([0.5, 1]),
        method="occlusion",
    ).plot(ax)
    assert [text.get_text() for text in ax.texts] == ["$sad 50%", "fear 100%"]
    first, second = (face.get_array() for face in ax.images)
    assert first.shape == (8, 8, 3)
    assert first[2, 3].min() > 0.4
    assert first.sum() == first[2, 3].sum()
    assert second.sum() == 0
    assert len(ax.collections) == 1  # the line around the map of the first image
    ax.figure.canvas.draw()
    assert display.figure_ is ax.figure


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"method": "lime"}, ValueError, "got method='lime', expected one of occlusion, grad_cam"),
        ({"method": "grad_cam"}, ValueError, "requires a network with convolutional feature maps"),
        ({"target": "bored"}, ValueError, r"got target='bored', expected one of \['angry'"),
        ({"window": 24}, ValueError, "got window=24 for images of 24 x 24 pixels, which are too"),
        ({"window": 0}, ValueError, "got window=0, expected an integer of 1 or more"),
        ({"n_images": 0}, ValueError, "got n_images=0"),
        ({"ax": 5}, TypeError, "got ax=5, expected matplotlib Axes"),
        ({"estimator": dense()}, NotFittedError, "not fitted"),
    ],
)
def test_bad_input(small, ax, parameters, kind, message):
    X, y = small
    model = dense(max_epochs=1).fit(X, y)
    arguments = {"estimator": model, "X": X, "n_images": 2, "ax": ax, **parameters}
    with pytest.raises(kind, match=message):
        SaliencyDisplay.from_estimator(**arguments)


def test_bad_classifiers(small, ax):
    X, y = small[0].reshape(70, -1), small[1]
    with pytest.raises(TypeError, match="RidgeClassifier has no predict_proba"):
        SaliencyDisplay.from_estimator(RidgeClassifier().fit(X, y), X, ax=ax)
    model = LogisticRegression(max_iter=2000).fit(X, y)
    with pytest.raises(TypeError, match="a classifier of sk_fer, got LogisticRegression; use met"):
        SaliencyDisplay.from_estimator(model, X, method="grad_cam", ax=ax)


def test_rows_that_do_not_sum_to_one(small, ax):
    class Twice(GaussianNB):
        def predict_proba(self, X):
            return 2 * super().predict_proba(X)

    X, y = small[0].reshape(70, -1), small[1]
    with pytest.raises(ValueError, match=r"row 0 of y_proba .* with the sum 2, expected prob"):
        SaliencyDisplay.from_estimator(Twice().fit(X, y), X, ax=ax)


def test_images_that_are_too_small_for_grad_cam(ax):
    X = np.random.default_rng(0).integers(0, 256, (14, 16, 16), dtype=np.uint8)
    model = cnn(max_epochs=1).fit(X, ["sad", "fear"] * 7)
    network = model.net_.module_.network
    network.features = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Conv2d(1, 1, 1))
    network.head = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    with pytest.raises(ValueError, match=r"16 x 16 pixels are too small for Grad-CAM: .* most 4"):
        SaliencyDisplay.from_estimator(model, X, method="grad_cam", ax=ax)


def test_a_missing_package_is_named(small, ax, monkeypatch):
    X, y = small
    model = dense(max_epochs=1).fit(X, y)
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(ImportError, match=r'requires captum: run pip install "\.\[saliency\]" in'):
        SaliencyDisplay.from_estimator(model, X, n_images=1, ax=ax)
