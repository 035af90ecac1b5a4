"""Estimators and transformers check images alike."""

import numpy as np
import pandas as pd
import pytest

from sk_fer import FERCNNClassifier
from sk_fer.preprocessing import HistogramEqualizer

IMAGES = np.arange(2 * 64, dtype=np.uint8).reshape(2, 8, 8)


def message(call):
    """Return the kind and the text of the error of a call, without the names of the classes."""
    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    text = str(raised.value)
    return type(raised.value), text.replace("FERCNNClassifier", "").replace(
        "HistogramEqualizer", ""
    )


@pytest.mark.parametrize(
    "X",
    [
        *("face.png", ["face.png"], None, 5, {"images": IMAGES}, iter(IMAGES)),
        *(IMAGES.astype(str), IMAGES[0, 0], np.zeros((2, 3, 8, 8)), np.zeros((0, 8, 8))),
        *(np.full((2, 64), np.nan), np.full((2, 64), 1e300), np.zeros((2, 65)), np.zeros((2, 192))),
        *([[1.0] * 64, [1.0] * 63], [IMAGES[0], IMAGES[0, :7]], IMAGES.astype(complex)),
    ],
    ids=lambda X: f"{type(X).__name__} {np.shape(X) if isinstance(X, np.ndarray) else ''}",
)
def test_refused_images_have_the_same_message(X):
    assert message(lambda: FERCNNClassifier().fit(X, [0, 1])) == message(
        lambda: HistogramEqualizer().fit(X)
    )


@pytest.mark.parametrize("X", [IMAGES[0], IMAGES[:, :7], IMAGES[:, :, :7].reshape(2, -1)])
def test_new_images_of_another_shape_have_the_same_message(X):
    model = FERCNNClassifier("sequential", max_epochs=1).fit(IMAGES, [0, 1])
    equalizer = HistogramEqualizer().fit(IMAGES)
    assert message(lambda: model.predict(X)) == message(lambda: equalizer.transform(X))


def test_what_is_learned_is_the_same():
    table = pd.DataFrame(IMAGES.reshape(2, -1)).add_prefix("pixel_")
    model = FERCNNClassifier("sequential", max_epochs=1).fit(table, [0, 1])
    equalizer = HistogramEqualizer().fit(table)
    assert model.image_shape_ == equalizer.image_shape_ == (8, 8, 1)
    assert model.n_features_in_ == equalizer.n_features_in_ == 64
    assert model.feature_names_in_.tolist() == equalizer.feature_names_in_.tolist()
