"""ONNX files: one graph from stored images to what predict_proba and predict return."""

import builtins
import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

from sk_fer import FERCNNClassifier, FERDenseClassifier, FERPretrainedClassifier
from sk_fer.estimators import _onnx
from sk_fer.modules import NETWORKS

onnx = pytest.importorskip("onnx", reason="ONNX files need sk_fer[onnx]")
onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX files need sk_fer[onnx]")
pytest.importorskip("onnxscript", reason="ONNX files need sk_fer[onnx]")


def fitted(network="dense", *, shape=(12, 10, 1), dtype="uint8", labels="abc", n=40, **parameters):
    """Return a classifier after an epoch on noise, and its images."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
    if dtype != "uint8":
        X = (X / np.float32(255)).astype(dtype)
    y = np.array(list(labels))[np.arange(n) % len(labels)]
    parameters = {"max_epochs": 1, "random_state": 0, "augment": None, **parameters}
    if network == "dense":
        model = FERDenseClassifier((8,), **parameters)
    elif network in NETWORKS and network != "pretrained":
        model = FERCNNClassifier(network, **parameters)
    else:
        backbone = "fast" if network == "pretrained" else network
        model = FERPretrainedClassifier(backbone, weights=None, **parameters)
    return model.fit(X, y), X


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


CASES = {
    # Small images are enlarged for the convolutions, inside the graph.
    "dense": {"normalize": "dataset", "shape": (12, 10, 3), "labels": [True, False]},
    "fast": {"normalize": "image", "tta": True},
    "sequential": {"normalize": "none", "dtype": "float64", "labels": [3, 5, 9], "tta": True},
    "accurate": {"n": 12},
    "vgg": {"normalize": "image", "shape": (7, 20, 3), "labels": [0.0, 1.0], "n": 16},
    # Enlarged, and made smaller.
    "pretrained": {"input_size": (32, 36), "head": "conv", "trainable": "head"},
    "test_efficientnet": {"shape": (40, 50, 3), "input_size": 32, "tta": True, "n": 16},
}


@pytest.mark.parametrize("network", CASES)
def test_every_network_gives_what_predict_proba_gives(network, tmp_path, capfd):
    assert set(NETWORKS) < set(CASES)
    if network == "test_efficientnet":
        pytest.importorskip("timm", reason="needs sk_fer[pretrained]")
    model, X = fitted(network, precision="float32", device="cpu", **CASES.get(network, {}))
    model.export_onnx(tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    session = session_of(tmp_path / "model.onnx")
    (taken,) = session.get_inputs()
    assert (taken.name, taken.shape[1:]) == ("images", list(model.image_shape_))
    assert taken.type == ("tensor(uint8)" if X.dtype == np.uint8 else "tensor(float)")
    images = X if X.dtype == np.uint8 else X.astype(np.float32)
    for n in (len(X), 1, 0):
        probabilities, labels = session.run(None, {"images": images[:n]})  # in this order
        assert probabilities.shape == (n, len(model.classes_))
        if n:
            np.testing.assert_allclose(probabilities, model.predict_proba(X[:n]), atol=1e-5)
        assert labels.tolist() == model.classes_[probabilities.argmax(1)].tolist()
    classes = session.get_modelmeta().custom_metadata_map["classes"]
    assert json.loads(classes) == model.classes_.tolist()


def test_the_model_stays_as_it_was_and_the_file_tells_nothing_of_the_machine(tmp_path):
    model = pickle.loads(pickle.dumps(fitted(precision="bfloat16", device="cpu")[0]))
    model.net_.module_.train()
    stored, random_state = pickle.dumps(model), torch.get_rng_state()
    model.export_onnx(tmp_path / "model.onnx")
    assert pickle.dumps(model) == stored
    assert model.net_.module_.training
    assert model.net_.precision == torch.bfloat16
    assert torch.equal(torch.get_rng_state(), random_state)
    assert b".py" not in (tmp_path / "model.onnx").read_bytes()


def test_float_images_of_any_scale_and_columns_with_names(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(1e4, 1e-1, (40, 16))).rename(columns="pixel_{}".format)
    y = np.where(X["pixel_0"] > 1e4, "much", "little")
    FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X, y).export_onnx(tmp_path / "a")
    (taken,) = session_of(tmp_path / "a").get_inputs()
    assert (taken.type, taken.shape[1:]) == ("tensor(float)", [4, 4, 1])


def test_a_graph_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    model, _ = fitted()
    (tmp_path / "model.onnx").write_text("the one before")
    forward = _onnx._Probabilities.forward

    def wrong(self, images):
        probabilities, position = forward(self, images)
        return probabilities * 0.99, position

    monkeypatch.setattr(_onnx._Probabilities, "forward", wrong)
    with pytest.raises(ValueError, match=r"off those of predict_proba; wanted 0\.0001 at most"):
        model.export_onnx(tmp_path / "model.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_text() == "the one before"


@pytest.mark.parametrize("missing", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(missing, tmp_path, monkeypatch):
    model, _ = fitted()
    original = builtins.__import__

    def fail(name, *args, **kwargs):
        if name == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fail)
    words = re.escape(f'export_onnx needs {missing}: pip install "sk_fer[onnx]"')
    with pytest.raises(ImportError, match=words):
        model.export_onnx(tmp_path / "model.onnx")


def test_bad_paths_are_refused_before_the_work(tmp_path):
    model, _ = fitted()
    for path in (tmp_path, tmp_path / "nowhere" / "model.onnx"):
        with pytest.raises(OSError, match=re.escape(f"{path}: wanted the name of a file")):
            model.export_onnx(path)
    with pytest.raises(NotFittedError):
        FERDenseClassifier().export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (pd.DataFrame(np.eye(3)[np.arange(30) % 3], columns=["sad", "happy", "fear"]), str),
        (np.eye(3)[np.arange(30) % 3] * 0.9 + 0.1 / 3, int),
        (np.arange(30) % 3 * 10, int),
        (np.array(["b", "a"], dtype=object)[np.arange(30) % 2], str),
    ],
    ids=["shares by name", "shares", "numbers", "objects"],
)
def test_outputs_come_in_the_documented_order(y, labels, tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), dtype=np.uint8)
    model = FERDenseClassifier((4,), max_epochs=1, random_state=0, device="cpu").fit(X, y)
    model.export_onnx(tmp_path / "model.onnx")
    session = session_of(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["probabilities", "label"]
    found, label = session.run(None, {"images": X})
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-2)
    assert found.shape == (30, len(model.classes_))
    assert isinstance(label[0].item() if labels is int else label[0], labels)
    np.testing.assert_array_equal(label, model.classes_[found.argmax(axis=1)])
