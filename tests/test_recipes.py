"""The recipes of CONTRIBUTING.md work: one entry in a table is enough for a new piece."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError
from torch import nn
from torch.nn import functional as F

import sk_fer
from sk_fer import (
    FERCNNClassifier,
    FERDenseClassifier,
    load_model,
    make_classifier,
    preprocessing,
    save_model,
)
from sk_fer._cli._compare import _printed
from sk_fer._utils._choices import (
    CHANGES,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Change,
    Loss,
    Optimizer,
    Schedule,
    find_piece,
)
from sk_fer._utils._metrics import METRICS, Metric
from sk_fer._utils._networks import Network
from sk_fer.datasets import load_faces, load_image_folder, make_faces
from sk_fer.datasets._declared import DATA_SETS, DataSet
from sk_fer.estimators import NETWORKS
from sk_fer.faces import FaceCropper
from sk_fer.inspection import ComparisonDisplay
from sk_fer.model_selection import compare
from sk_fer.modules._blocks import ConvBlock, FeaturesAndHead, mean_head
from sk_fer.persistence._registry import CLASSIFIERS, TRANSFORMERS
from sk_fer.preprocessing._base import ImageTransformer

from .helpers import dense

X, Y = make_faces(28, image_size=16, random_state=0)


def test_each_name_is_documented():
    doc = FERDenseClassifier.__doc__
    for table in (LOSSES, OPTIMIZERS, SCHEDULES):
        assert f"{{{str(list(table))[1:-1]}}}".replace("'", '"') in doc
    for table in (LOSSES, OPTIMIZERS, SCHEDULES, CHANGES):
        for name, entry in table.items():
            assert f'"{name}"' in doc
            assert entry.text in " ".join(doc.split())
            assert entry.piece is None or callable(find_piece(entry.piece))
    assert all(name in compare.__doc__ for name in METRICS)


def search_over(model, name, values):
    """Return the fitted search, whose scores are all numbers."""
    search = GridSearchCV(model, {name: values}, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    return search


def assert_unknown(model, name):
    """Check that the constraints of the parameters refuse the toy without its entry."""
    with pytest.raises(InvalidParameterError, match="'toy'"):
        clone(model).set_params(**{name: "toy"}).fit(X, Y)


class SquaredError(nn.Module):
    """The squared distance of the probabilities from the target."""

    def __init__(self, label_smoothing=0.0):
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logits, target, weight=None):
        shares = target if target.is_floating_point() else F.one_hot(target, logits.shape[1])
        losses = (logits.float().softmax(1) - shares).square().sum(1)
        return losses.mean() if weight is None else (losses * weight).mean()


def test_a_new_loss(monkeypatch):
    assert_unknown(dense(), "criterion")
    monkeypatch.setitem(LOSSES, "toy", Loss(SquaredError, "is the squared distance"))
    model = dense(criterion="toy", lr=1e-9, augment=None, precision="float32").fit(X, Y)
    distance = model.predict_proba(X) - (Y[:, None] == model.classes_)
    expected = np.square(distance).sum(axis=1).mean()
    np.testing.assert_allclose(model.history_["train_loss"], expected, rtol=1e-5)
    search_over(dense(), "criterion", ["cross_entropy", "focal", "toy"])


class ToyCNN(FeaturesAndHead):
    """A network of one convolution."""

    min_size = 8
    any_size = True

    def __init__(self, input_shape, n_classes, dropout=0.1):
        super().__init__()
        self.features = ConvBlock(input_shape[0], 4, pool=True)
        self.head = mean_head(4, n_classes, dropout)


def test_a_new_network(monkeypatch, tmp_path):
    cnn = FERCNNClassifier(max_epochs=2, random_state=0)
    assert_unknown(cnn, "architecture")
    row = Network(ToyCNN, "one convolution", "tests")
    monkeypatch.setitem(NETWORKS, "toy", row)
    search = search_over(cnn, "architecture", ["sequential", "toy"])
    assert search.cv_results_["param_architecture"].tolist() == ["sequential", "toy"]
    model = make_classifier("toy", dropout=0.5, max_epochs=2, random_state=0).fit(X, Y)
    assert type(model.net_.module_.network) is ToyCNN
    assert model.net_.module_.network.head.dropout.p == 0.5
    save_model(model, tmp_path / "toy.skfer")
    loaded = load_model(tmp_path / "toy.skfer")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_a_new_schedule(monkeypatch):
    assert_unknown(dense(), "lr_schedule")
    monkeypatch.setitem(SCHEDULES, "toy", Schedule(lambda p: 1 - 0.5 * p, "halves it"))
    model = dense(lr_schedule="toy", lr=0.1, batch_size=28).fit(X, Y)
    assert model.history_["lr"].tolist() == pytest.approx([0.1, 0.075])
    search_over(dense(), "lr_schedule", ["toy", "cosine", None])


def test_a_new_optimizer(monkeypatch):
    assert_unknown(dense(), "optimizer")
    monkeypatch.setitem(OPTIMIZERS, "toy", Optimizer("torch.optim.NAdam", lr=0.002))
    model = dense(optimizer="toy", lr_schedule=None).fit(X, Y)
    assert type(model.net_.optimizer_) is torch.optim.NAdam
    assert model.history_["lr"].tolist() == [0.002, 0.002]
    search_over(dense(), "optimizer", ["toy", "adam"])


def test_a_new_augmentation(monkeypatch):
    with pytest.raises(ValueError, match=r"augment has 'toy'; expected any of \['flip', "):
        dense(augment={"toy": 1.0}).fit(X, Y)
    strengths = []

    def negate(x, strength, generator):
        strengths.append(strength)
        return -x

    monkeypatch.setitem(CHANGES, "toy", Change(2.0, "the strength", negate))
    dense(augment={"flip": 0.5, "toy": 1.5}, batch_size=28).fit(X, Y)
    assert strengths == [1.5, 1.5]  # once per epoch
    with pytest.raises(ValueError, match=r"augment\['toy'\] is 3; expected a number in \[0, 2.0\]"):
        dense(augment={"toy": 3}).fit(X, Y)
    search_over(dense(), "augment", [None, {"toy": 1.0}])


def test_a_new_metric(monkeypatch):
    models = [dense(), dense(optimizer="sgd")]
    assert "toy" not in compare(models, X, Y, X, Y)
    monkeypatch.setitem(
        METRICS, "toy", Metric("Share of happy", lambda _, y: (y == "happy").mean())
    )
    table = compare(models, X, Y, X, Y)
    expected = [(clone(model).fit(X, Y).predict(X) == "happy").mean() for model in models]
    assert table["toy"].tolist() == expected
    display = ComparisonDisplay.from_table(table, metrics=["accuracy", "toy"])
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["Accuracy", "Share of happy"]
    assert "share\nof happy" in [column.header for column in _printed(table).columns]


class Negative(ImageTransformer):
    """Images with light and dark exchanged."""

    _parameter_constraints = {"image_shape": [tuple, None]}

    def __init__(self, image_shape=None):
        self.image_shape = image_shape

    def _transform_batch(self, images):
        return 255 - images


def test_a_new_transformer(tmp_path):
    pipeline = make_pipeline(Negative(), dense()).fit(X, Y)
    np.testing.assert_array_equal(pipeline[0].transform(X), 255 - X)
    images = X.reshape(-1, 16, 16)
    np.testing.assert_array_equal(pipeline[0].transform(images), 255 - images)
    search_over(pipeline, "negative", [Negative(), "passthrough"])
    with pytest.raises(TypeError, match="the step 'negative' of the Pipeline is a Negative"):
        save_model(pipeline, tmp_path / "toy.skfer")  # sk_fer.preprocessing does not export it


def test_what_the_folders_export_can_be_in_model_files():
    estimators = [getattr(sk_fer, name) for name in sk_fer.__all__ if name.endswith("Classifier")]
    assert set(estimators) == set(CLASSIFIERS.values())
    transformers = {getattr(preprocessing, name) for name in preprocessing.__all__} | {FaceCropper}
    assert transformers == {kind for kind in TRANSFORMERS if kind.__module__.startswith("sk_fer")}


def load_toy(path, *, image_size=None, return_X_y=False, as_frame=False, on_error="raise"):
    """Load images whose names begin with the person."""
    options = {"return_X_y": return_X_y, "as_frame": as_frame, "on_error": on_error}
    faces = load_image_folder(path, image_size=image_size, **options)
    faces.groups = np.array([name.rpartition("/")[2][0] for name in faces.filenames])
    return faces


def test_a_new_loader(monkeypatch, tmp_path, save_images):
    save_images(X[:2], [tmp_path / "happy" / "a1.toy.png", tmp_path / "sad" / "b1.toy.png"])
    assert load_faces(tmp_path).format == "image_folder"
    row = DataSet(
        "Toys",
        load_toy,
        "there is no official split",
        recognizes=lambda tree, path: all(".toy." in image.place for image in tree.images),
    )
    monkeypatch.setitem(DATA_SETS, "toy", row)
    faces = load_faces(tmp_path, image_size=8)
    assert faces.format == "toy"
    assert faces.images.shape == (2, 8, 8)
    assert faces.groups.tolist() == ["a", "b"]
