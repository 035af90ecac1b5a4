"""ONNX files agree with predict_proba and predict."""

import builtins
import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from sk_fer import FERCNNClassifier, FERDenseClassifier, FERPretrainedClassifier, export_onnx
from sk_fer.datasets import make_faces
from sk_fer.estimators import NETWORKS
from sk_fer.persistence import _onnx_graph, _onnx_int8
from sk_fer.persistence._onnx_steps import step_module
from sk_fer.preprocessing import (
    HistogramEqualizer,
    ImageReader,
    ImageResizer,
    ImageStandardizer,
)

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
    elif NETWORKS.get(network, NETWORKS["pretrained"]).estimator == "FERCNNClassifier":
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
def test_the_graph_of_every_network_agrees_with_predict_proba(network, tmp_path, capfd):
    assert {name for name, row in NETWORKS.items() if not row.options} < set(CASES)
    if network == "test_efficientnet":
        pytest.importorskip("timm", reason="needs sk_fer[pretrained]")
    model, X = fitted(network, precision="float32", device="cpu", **CASES.get(network, {}))
    export_onnx(model, tmp_path / "model.onnx")
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


def test_the_model_is_not_changed_and_the_file_has_no_paths(tmp_path):
    model = pickle.loads(pickle.dumps(fitted(precision="bfloat16", device="cpu")[0]))
    model.net_.module_.train()
    stored, random_state = pickle.dumps(model), torch.get_rng_state()
    export_onnx(model, tmp_path / "model.onnx")
    assert pickle.dumps(model) == stored
    assert model.net_.module_.training
    assert model.net_.precision == torch.bfloat16
    assert torch.equal(torch.get_rng_state(), random_state)
    assert b".py" not in (tmp_path / "model.onnx").read_bytes()


def test_float_images_of_any_scale_and_columns_with_names(tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(1e4, 1e-1, (40, 16))).rename(columns="pixel_{}".format)
    y = np.where(X["pixel_0"] > 1e4, "much", "little")
    export_onnx(FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X, y), tmp_path / "a")
    (taken,) = session_of(tmp_path / "a").get_inputs()
    assert (taken.type, taken.shape[1:]) == ("tensor(float)", [4, 4, 1])


def test_a_graph_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    model, _ = fitted()
    (tmp_path / "model.onnx").write_text("the one before")
    forward = _onnx_graph._Probabilities.forward

    def wrong(self, images):
        probabilities, position = forward(self, images)
        return probabilities * 0.99, position

    monkeypatch.setattr(_onnx_graph._Probabilities, "forward", wrong)
    with pytest.raises(ValueError, match=r"differ from those of predict_proba .* at most 0\.0001"):
        export_onnx(model, tmp_path / "model.onnx")
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
    words = re.escape(f'export_onnx requires {missing}: run pip install ".[onnx]" in')
    with pytest.raises(ImportError, match=words):
        export_onnx(model, tmp_path / "model.onnx")


def test_bad_paths_are_refused_before_the_work(tmp_path):
    model, _ = fitted()
    for path in (tmp_path, tmp_path / "nowhere" / "model.onnx"):
        with pytest.raises(OSError, match=re.escape(f"{path}: expected the path of a file")):
            export_onnx(model, path)
    with pytest.raises(NotFittedError):
        export_onnx(FERDenseClassifier(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


IMAGES = np.random.default_rng(1).integers(0, 256, (40, 20, 16, 1), dtype=np.uint8)
FLAT = IMAGES.reshape(40, -1)
LABELS = np.array(["a", "b"])[np.arange(40) % 2]
FLOATS = (IMAGES / np.float32(255)).astype(np.float32)
SIZE = {"image_shape": (20, 16)}


@pytest.mark.parametrize(
    ("X", "steps", "dtype"),
    [
        (IMAGES, [ImageResizer((10, 24))], None),
        (FLOATS, [ImageResizer((10, 24)), HistogramEqualizer()], None),
        (IMAGES, ["passthrough", HistogramEqualizer(), ImageResizer((12, 12))], None),
        (IMAGES, [HistogramEqualizer(), ImageStandardizer("dataset")], "uint8"),
        (FLOATS, [ImageStandardizer("minmax")], "float32"),
        (FLAT, [ImageResizer((16, 16), **SIZE), ImageStandardizer(), StandardScaler()], "uint8"),
        (FLAT, [MinMaxScaler((-1, 1), clip=True), MaxAbsScaler()], "uint8"),
        (FLAT, [RobustScaler(), Normalizer("l1")], "uint8"),
    ],
    ids=lambda value: ", ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_the_steps_of_a_pipeline_are_in_the_graph(X, steps, dtype, tmp_path):
    classifier = FERDenseClassifier((8,), max_epochs=2, precision="float32", random_state=0)
    if X is FLAT and not isinstance(steps[0], ImageResizer):
        classifier.set_params(image_shape=(20, 16))
    model = make_pipeline(*steps, classifier).fit(X, LABELS)
    export_onnx(model, tmp_path / "model.onnx", dtype=dtype)
    session = session_of(tmp_path / "model.onnx")
    (taken,) = session.get_inputs()
    assert taken.shape[1:] == [20, 16, 1]
    assert taken.type == ("tensor(float)" if X is FLOATS else "tensor(uint8)")
    images = X.reshape(IMAGES.shape)
    for n in (40, 1):
        probabilities, labels = session.run(None, {"images": images[:n]})
        expected = model.predict_proba(X[:n])
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
        assert labels.tolist() == model.predict(X[:n]).tolist()
    assert expected.std() > 0


@pytest.mark.parametrize("size", [(24, 24), (37, 9), (11, 60), (80, 40)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_images_are_resized_as_pillow_does(size, dtype):
    images = np.random.default_rng(2).integers(0, 256, (3, 41, 22, 2)).astype(dtype)
    step = ImageResizer(size)
    expected = step.fit_transform(images)
    found = step_module(step, "resize")(torch.from_numpy(images)).numpy()
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=0 if dtype == "uint8" else 1e-4)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: LogisticRegression(), TypeError, "got a LogisticRegression; expected a fitted "),
        (
            lambda: make_pipeline(ImageResizer(), LogisticRegression()),
            TypeError,
            "got a Pipeline that ends with a LogisticRegression; expected a fitted FER",
        ),
        (
            lambda: ImageReader(),
            ValueError,
            "step 'imagereader' of the Pipeline is ImageReader, ",
        ),
        (
            lambda: HistogramEqualizer("adaptive").fit(IMAGES),
            ValueError,
            r"is HistogramEqualizer\('adaptive'\), which an ONNX graph of sk_fer cannot contain",
        ),
        (lambda: ImageResizer(), NotFittedError, "step 'imageresizer' of the Pipeline, a ImageRes"),
        (
            lambda: ImageStandardizer().fit(IMAGES),
            ValueError,
            "images of any type to floats; set d",
        ),
    ],
)
def test_what_a_graph_cannot_contain_is_refused(make, kind, words, tmp_path):
    model = make()
    if not isinstance(model, LogisticRegression | Pipeline):
        classifier = FERDenseClassifier((4,), max_epochs=1).fit(IMAGES, LABELS)
        model = make_pipeline(model, classifier)
    with pytest.raises(kind, match=words):
        export_onnx(model, tmp_path / "model.onnx")
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
    export_onnx(model, tmp_path / "model.onnx")
    session = session_of(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["probabilities", "label"]
    found, label = session.run(None, {"images": X})
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-2)
    assert found.shape == (30, len(model.classes_))
    assert isinstance(label[0].item() if labels is int else label[0], labels)
    np.testing.assert_array_equal(label, model.classes_[found.argmax(axis=1)])


@pytest.fixture(scope="module")
def for_int8():
    """A fitted CNN, and 1,050 drawn faces with their labels."""
    X, y = make_faces(1050, image_size=24, random_state=0)
    settings = {"max_epochs": 2, "augment": None, "random_state": 0, "precision": "float32"}
    return FERCNNClassifier("sequential", **settings).fit(X[:420], y[:420]), X, y


def measured_as(loss, speedup):
    """Return `_measured` with these figures in place of those of this machine."""

    def measured(graphs, images, labels, classes):
        accuracies = {"float32": 0.7, "int8": 0.7 - loss}
        speeds = {"float32": 100.0, "int8": 100.0 * speedup}
        return {
            name: _onnx_int8.Trial(graph, accuracies[name], speeds[name])
            for name, graph in graphs.items()
        }

    return measured


@pytest.mark.parametrize(
    ("loss", "speedup", "quantized"),
    [(0.001, 2.0, True), (-0.01, 1.2, True), (0.004, 2.0, False), (0.0, 1.05, False)],
)
def test_int8_is_chosen_where_it_is_faster_and_as_accurate(loss, speedup, quantized, monkeypatch):
    monkeypatch.setattr(_onnx_int8, "_quantized", lambda graph, images: b"int8")
    monkeypatch.setattr(_onnx_int8, "_measured", measured_as(loss, speedup))
    images, labels = np.zeros((1000, 2, 2, 1)), np.zeros(1000)
    graph, report = _onnx_int8.choose_graph(b"float32", images, labels, np.arange(2))
    assert report.quantized is quantized
    assert graph == (b"int8" if quantized else b"float32")
    assert report.accuracy_loss == pytest.approx(loss)
    assert f"file computes in {graph.decode()}" in report.summary
    assert f"int8 is {speedup:.2f} times as fast" in report.summary
    assert f"{abs(100 * loss):.2f} points {'more' if loss < 0 else 'less'} acc" in report.summary


def test_a_file_in_int8_answers_as_the_model_does(for_int8, tmp_path, monkeypatch, capfd):
    model, X, y = for_int8
    monkeypatch.setattr(_onnx_int8, "_measured", measured_as(0.0, 2.0))
    export_onnx(model, tmp_path / "model.onnx", quantize="int8", X=X, y=y)
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    written = onnx.load(tmp_path / "model.onnx")
    kinds = [node.op_type for node in written.graph.node]
    assert kinds.count("Conv") == 3
    assert "QuantizeLinear" in kinds
    assert written.producer_name == "sk_fer"
    assert [entry.key for entry in written.metadata_props] == ["classes"]
    assert json.loads(written.metadata_props[0].value) == model.classes_.tolist()
    images = X[:70].reshape(-1, 24, 24, 1)
    session = session_of(tmp_path / "model.onnx")
    labels, found = session.run(["label", "probabilities"], {"images": images})
    difference = np.abs(found - model.predict_proba(X[:70])).max()
    assert 1e-4 < difference < 0.2
    assert np.mean(labels == model.predict(X[:70])) > 0.9


def test_the_figures_of_int8_are_measured(for_int8, tmp_path):
    model, X, y = for_int8
    report = export_onnx(model, tmp_path / "model.onnx", quantize="int8", X=X, y=y)
    assert report.n_measured == 1050 - 128
    rows = np.random.default_rng(0).permutation(1050)[128:]
    assert report.accuracy["float32"] == pytest.approx(model.score(X[rows], y[rows]), abs=0.002)
    assert abs(report.accuracy_loss) < 0.05
    speeds = report.images_per_second
    assert report.speedup == pytest.approx(speeds["int8"] / speeds["float32"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X, y: {"quantize": "int4"}, "got quantize='int4', expected 'int8' or None"),
        (lambda X, y: {"X": None}, "needs X and y"),
        (lambda X, y: {"y": None}, "needs X and y"),
        (lambda X, y: {"X": X[:999], "y": y[:999]}, "X has 999 images; .* at least 1000"),
        (lambda X, y: {"X": X / 255}, r"float64; the graph takes .*\(24, 24, 1\) .* uint8"),
        (lambda X, y: {"X": X[:, :500]}, r"X has the shape \(1050, 500\)"),
        (lambda X, y: {"y": y[:5]}, "inconsistent numbers of samples"),
    ],
)
def test_bad_images_for_int8_are_refused_before_the_work(change, words, for_int8, tmp_path):
    model, X, y = for_int8
    given = {"quantize": "int8", "X": X, "y": y, **change(X, y)}
    with pytest.raises(ValueError, match=words):
        export_onnx(model, tmp_path / "model.onnx", **given)
    assert list(tmp_path.iterdir()) == []
