"""joblib: equal bits elsewhere, stored once, on machines that lack the device."""

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import sk_fer
from sk_fer import FERCNNClassifier, FERDenseClassifier, _version
from sk_fer.preprocessing import HistogramEqualizer


@pytest.fixture(scope="module")
def fitted(faces):
    X, y = faces
    return FERDenseClassifier((64,), max_epochs=5, random_state=0, device="cpu").fit(X, y)


def test_equal_bits_in_another_process(faces, tmp_path):
    X, y = faces[0][:64], faces[1][:64]
    cnn = FERCNNClassifier("fast", max_epochs=1, random_state=0)
    models = {
        "classifier": clone(cnn).fit(X, y),
        "pipeline": make_pipeline(HistogramEqualizer(), cnn).fit(X, y),
    }
    joblib.dump(models, tmp_path / "models.joblib")
    np.save(tmp_path / "X.npy", X)
    script = (
        "import joblib, numpy as np, sys, torch\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"
        "X = np.load(sys.argv[1] + '/X.npy')\n"
        "for name, model in joblib.load(sys.argv[1] + '/models.joblib').items():\n"
        "    np.save(f'{sys.argv[1]}/{name}.npy', model.predict_proba(X))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    for name, model in models.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), model.predict_proba(X))


def test_weights_are_stored_once_and_without_the_optimizer(fitted):
    n_weights = sum(p.numel() for p in fitted.net_.module_.parameters())
    size = len(pickle.dumps(fitted))
    assert 4 * n_weights < size < 4 * n_weights + 20_000
    state = fitted.__getstate__()
    assert "net_" not in state
    assert isinstance(state["_stored_net"]["weights"], bytes)


def test_the_file_says_which_versions_wrote_it(fitted):
    versions = pickle.loads(pickle.dumps(fitted)).versions_
    assert versions["sk_fer"] == sk_fer.__version__
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(versions) == {"sk_fer", "scikit-learn", "skorch", "torch", "numpy"}


def test_another_version_warns(fitted, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_version, "__version__", "0.9.0")
        stored = pickle.dumps(fitted)
    with pytest.warns(UserWarning, match=r"written by sk_fer 0\.9\.0 and is loaded by"):
        loaded = pickle.loads(stored)
    assert loaded.n_epochs_ == 5


def test_another_patch_version_is_silent(fitted, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(_version, "__version__", sk_fer.__version__ + ".1")
        stored = pickle.dumps(fitted)
    assert pickle.loads(stored).n_epochs_ == 5


@pytest.mark.parametrize("device", ["cuda", "cuda:7", "mps"])
def test_a_model_of_a_missing_device_is_loaded_on_the_cpu(device, fitted, faces, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    state = fitted.__getstate__()
    state["_stored_net"]["device"] = device
    loaded = FERDenseClassifier()
    loaded.__setstate__(state)
    assert loaded.net_.device == "cpu"
    np.testing.assert_array_equal(loaded.predict_proba(faces[0]), fitted.predict_proba(faces[0]))


def test_a_loaded_model_has_its_history_and_continues_training(fitted, faces):
    loaded = pickle.loads(pickle.dumps(fitted))
    assert loaded.history_.equals(fitted.history_)
    loaded.partial_fit(*faces)
    assert loaded.n_epochs_ == 6
    assert fitted.n_epochs_ == 5


def test_parameters_changed_after_fit_do_not_change_the_network(fitted, faces):
    changed = copy.deepcopy(fitted).set_params(hidden_layer_sizes=(8, 8), activation="tanh")
    loaded = pickle.loads(pickle.dumps(changed))
    np.testing.assert_array_equal(loaded.predict_proba(faces[0]), fitted.predict_proba(faces[0]))


def test_weights_of_another_network_are_refused(fitted):
    state = fitted.__getstate__()
    state["_stored_net"]["weights"] = state["_stored_net"]["weights"][:-100]
    with pytest.raises(ValueError, match="the saved weights do not match the network"):
        FERDenseClassifier().__setstate__(state)


def test_an_unfitted_model_is_pickled():
    loaded = pickle.loads(pickle.dumps(FERDenseClassifier((3,))))
    assert loaded.hidden_layer_sizes == (3,)
    assert not hasattr(loaded, "net_")


def test_history_contains_python_numbers_only(fitted):
    for row in fitted.__getstate__()["_stored_net"]["history"]:
        assert all(type(value) in (int, float, bool) for value in row.values())
