"""The loaders on the real files."""

import numpy as np
import pytest

from sk_fer.datasets import _fer2013, load_ckplus, load_fer2013, load_ferplus
from sk_fer.datasets._names import FER2013_EXPRESSIONS


@pytest.fixture(scope="module")
def home(data_folder, tmp_path_factory):
    """A data home with FER2013 in its cache."""
    folder = tmp_path_factory.mktemp("home")
    load_fer2013(data_folder / "fer2013.csv", data_home=folder)
    return folder


@pytest.fixture(autouse=True)
def _no_second_reading(home, monkeypatch):
    monkeypatch.delattr(_fer2013, "read_pixel_csv")


def test_fer2013(data_folder, home):
    train = load_fer2013(data_folder / "fer2013.csv", data_home=home)
    validation = load_fer2013(data_folder / "fer2013.csv", data_home=home, subset="validation")
    assert train.images.shape == (28709, 48, 48)
    assert validation.images.shape == (3589, 48, 48)
    # The public copies differ from the challenge's labels in three images at most.
    expected = [3995, 436, 4097, 7215, 4965, 4830, 3171]
    assert train.target_names == sorted(FER2013_EXPRESSIONS)
    found = [np.count_nonzero(train.target == name) for name in train.target_names]
    assert np.abs(np.subtract(found, expected)).sum() <= 6
    assert 100 < train.images.mean() < 160


@pytest.mark.parametrize(("subset", "n_images"), [("train", 25060), ("validation", 3199)])
def test_ferplus(data_folder, home, subset, n_images):
    faces = load_ferplus(
        data_folder / "fer2013.csv",
        data_folder / "fer2013new.csv",
        target="both",
        subset=subset,
        data_home=home,
    )
    assert faces.images.shape == (n_images, 48, 48)
    np.testing.assert_allclose(faces.votes.sum(axis=1), 1, rtol=1e-5)
    assert len(np.unique(faces.target)) == 8


def test_ckplus(data_folder):
    faces = load_ckplus(data_folder / "CK+48")
    counts = dict(zip(*np.unique(faces.target, return_counts=True), strict=True))
    assert counts == {
        "angry": 135,
        "contempt": 54,
        "disgust": 177,
        "fear": 75,
        "happy": 207,
        "sad": 84,
        "surprise": 249,
    }
    assert len(np.unique(faces.groups)) == 118
    assert len(np.unique(faces.sequences)) == 327
