"""Files of all format versions are read and give the same predictions."""

import json

import numpy as np
import pytest

from sk_fer import FERCNNClassifier, FERFeatures, load_model, save_model
from sk_fer.persistence import ModelFormatError
from sk_fer.persistence._model_file import FORMAT_VERSION

from .fuzz_model_files import read_entries, seal
from .make_golden import FEATURES, FOLDER, IMAGES, features_file, models

FILES = sorted(FOLDER.glob("*.skfer"))


def test_there_is_one_of_each_kind_and_version():
    expected = [f"v{n}-{name}" for n in range(1, FORMAT_VERSION + 1) for name in models()]
    assert sorted(path.stem for path in FILES) == sorted(expected)


@pytest.mark.filterwarnings("ignore:This FER.* was written by sk_fer")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_files_predict_the_same(path):
    model = load_model(path)
    expected = np.load(path.with_suffix(".npy"))
    # Processors round differently, in the last bits.
    np.testing.assert_allclose(model.predict_proba(np.load(IMAGES)), expected, atol=1e-5)
    classifier = model[-1] if "pipeline" in path.stem else model
    assert classifier.classes_.tolist()[0] == "angry"
    assert len(classifier.history_) == classifier.n_epochs_ > 0


@pytest.mark.filterwarnings("ignore:This FER.* was written by sk_fer")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_golden_features_are_the_same(path, tmp_path):
    assert FEATURES.exists()
    (tmp_path / "model.skfer").write_bytes(features_file(path))
    model = load_model(tmp_path / "model.skfer")
    images = np.load(IMAGES)
    expected = np.load(path.with_suffix(".npy"))
    assert expected.std() > 0.01
    np.testing.assert_allclose(model.predict_proba(images), expected, atol=1e-5)
    assert model[:-1].transform(images).shape == (len(images), model[0]._n_features_out)
    assert model.classes_.tolist()[0] == "angry"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "model", [FERCNNClassifier("accurate", max_epochs=1), FERFeatures("accurate", weights=None)]
)
def test_older_files_of_a_network_that_has_changed_are_refused(model, version, tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (4, 256), dtype=np.uint8)
    path = tmp_path / "model.skfer"
    save_model(model.fit(X, [0, 1, 0, 1]), path)
    load_model(path)
    entries = read_entries(path.read_bytes())
    description = json.loads(entries["model.json"])
    description["format_version"] = version
    path.write_bytes(seal({**entries, "model.json": json.dumps(description).encode()}))
    with pytest.raises(ModelFormatError, match=r"network 'accurate', .*; train the model again"):
        load_model(path)
