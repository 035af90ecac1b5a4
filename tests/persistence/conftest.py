"""Small fitted models of each kind that a file can contain."""

import warnings

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERCNNClassifier, FERDenseClassifier, save_model
from sk_fer.datasets import make_faces
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer, ImageStandardizer


@pytest.fixture(scope="session")
def small_faces():
    """56 drawn faces of 16 x 16 pixels: (X, y)."""
    return make_faces(56, image_size=16, random_state=0)


@pytest.fixture(scope="session")
def models(small_faces):
    """A dense one, a CNN and a pipeline, by name."""
    dense = FERDenseClassifier((8,), max_epochs=2, random_state=0, precision="float32")
    cnn = FERCNNClassifier("sequential", max_epochs=1, random_state=0, precision="float32")
    pipeline = make_pipeline(
        ImageResizer((8, 8)),
        HistogramEqualizer("adaptive", kernel_size=(4, 4)),
        "passthrough",
        ImageStandardizer("dataset"),
        StandardScaler(),
        FERDenseClassifier((8,), max_epochs=2, random_state=0, normalize="dataset"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {
            name: model.fit(*small_faces)
            for name, model in (("dense", dense), ("cnn", cnn), ("pipeline", pipeline))
        }


@pytest.fixture
def dense_file(models, tmp_path):
    """The file of the dense model."""
    save_model(models["dense"], tmp_path / "model.skfer")
    return tmp_path / "model.skfer"
