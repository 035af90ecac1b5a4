import json
import re
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFilter
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier, load_model, save_model
from sk_fer.datasets import make_faces
from sk_fer.persistence import _onnx_int8
from sk_fer.preprocessing import HistogramEqualizer


@pytest.fixture
def model(trained):
    return trained[0] / "model.skfer"


def test_export_writes_what_onnx_runtime_reads(run, model, tmp_path):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package, reason="ONNX files need sk_fer[onnx]")
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX files need sk_fer[onnx]")
    classifier = load_model(model)
    joblib.dump(make_pipeline("passthrough", classifier), tmp_path / "pipeline.joblib")
    file = tmp_path / "model.onnx"
    result = run("export", tmp_path / "pipeline.joblib", file)
    assert result.exit_code == 0, result.output
    assert result.output == (
        f"Wrote {file}, which takes images of shape (n, 48, 48, 1) and returns probabilities "
        "of shape (n, 7) and labels of shape (n,)\n"
    )
    X, _ = make_faces(5, random_state=3)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"images": X.reshape(-1, 48, 48, 1)})
    np.testing.assert_allclose(found, classifier.predict_proba(X), atol=0.02)  # may be bfloat16

    refused = run("export", model, file)
    assert refused.exit_code == 1
    assert refused.stderr == f"sk-fer: error: {file} already exists; use --force to overwrite it\n"


def test_int8_is_measured_on_the_validation_split(run, model, class_folder, tmp_path, monkeypatch):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="ONNX files need sk_fer[onnx]")
    refused = run("export", model, tmp_path / "model.onnx", "--int8", class_folder)
    assert refused.exit_code == 1
    assert "X has 3 images; quantize='int8' needs at least 1000" in refused.stderr
    monkeypatch.setattr(_onnx_int8, "FEWEST_IMAGES", 2)
    monkeypatch.setattr(_onnx_int8, "N_CALIBRATION", 1)
    result = run("export", model, tmp_path / "model.onnx", "--int8", class_folder)
    assert result.exit_code == 0, result.output
    assert re.search(
        r"int8 is [0-9.]+ times as fast .* accurate on 2 images: the file", result.output
    )
    assert (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("color", [False, True])
def test_the_documented_lines_for_onnx_agree_with_predict(run, tmp_path, monkeypatch, color):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="ONNX files need sk_fer[onnx]")
    page = (Path(__file__).parents[2] / "docs" / "model_files.md").read_text()
    (lines,) = re.findall(r"```python\n([^`]*InferenceSession[^`]*)```", page)
    monkeypatch.chdir(tmp_path)
    X, y = make_faces(28, image_size=24, random_state=0)
    X = X.reshape(-1, 24, 24)
    if color:
        X = np.stack([X, X // 2, 255 - X], axis=-1)
    model = FERDenseClassifier((8,), max_epochs=3, random_state=0, precision="float32")
    save_model(model.fit(X, y), "model.skfer")
    assert run("export", "model.skfer", "model.onnx").exit_code == 0

    pixels = np.random.default_rng(0).integers(0, 256, (220, 160, 3), dtype=np.uint8)
    large = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(8)).resize((150, 180))
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    for options in ({}, {"exif": turned}):
        large.save("face.png", **options)
        predicted = run(
            "predict", "model.skfer", "face.png", "--faces", "whole", "--top", 7, "--json"
        )
        (face,) = json.loads(predicted.stdout)
        names: dict = {}
        exec(lines, names)
        found = dict(zip(model.classes_, names["probabilities"][0], strict=True))
        assert face["probabilities"] == pytest.approx(found, abs=2e-4)
        assert names["labels"].tolist() == [face["label"]]


def test_export_refuses_steps_that_a_graph_cannot_contain(run, model, tmp_path):
    X, y = make_faces(14, random_state=0)
    pipeline = make_pipeline(HistogramEqualizer("adaptive"), load_model(model))
    pipeline.steps[0][1].fit(X)
    for kind, words in (
        (pipeline, "the step 'histogramequalizer' of the Pipeline is HistogramEqualizer('adapt"),
        (GaussianNB().fit(X, y), "got a GaussianNB; expected a fitted FERCNNClassifier, "),
    ):
        joblib.dump(kind, tmp_path / "other.joblib")
        result = run("export", tmp_path / "other.joblib", tmp_path / "other.onnx")
        assert result.exit_code == 1
        assert f"{tmp_path / 'other.joblib'}: {words}" in result.stderr
    assert not (tmp_path / "other.onnx").exists()
