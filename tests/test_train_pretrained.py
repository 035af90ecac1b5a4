"""The training of the model of the package: its file, its figures and its page agree.

Each check runs on a model of drawn faces, and on the model of the package if its file exists.
"""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from sk_fer import FERCNNClassifier, load_model
from sk_fer._utils._shipped import FOLDER
from sk_fer.datasets import make_faces
from sk_fer.persistence._network import rebuilt

ROOT = Path(__file__).parents[1]
SCRIPT = str(ROOT / "benchmarks" / "train_pretrained.py")
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.skfer"))


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield runpy.run_path(SCRIPT)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The folder into which the script wrote a model of drawn faces."""
    folder = tmp_path_factory.mktemp("pretrained")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        arguments = ["--quick", "--out", str(folder), "--device", "cpu", "lr=0.01"]
        patch.setattr(sys, "argv", [SCRIPT, *arguments])
        runpy.run_path(SCRIPT, run_name="__main__")
    return folder


@pytest.fixture(scope="module", params=["drawn", *SHIPPED])
def written(request, drawn):
    """The paths of a model file, its JSON file and its page."""
    if request.param == "drawn":
        return [drawn / name for name in ("fer2013.skfer", "pretrained.json", NAME_OF_PAGE)]
    results = ROOT / "benchmarks" / "results" / "pretrained.json"
    return [FOLDER / f"{request.param}.skfer", results, ROOT / "docs" / NAME_OF_PAGE]


NAME_OF_PAGE = "pretrained_fer2013.md"


def test_the_file_agrees_with_the_predictions_of_the_training(written):
    model_file, result_file, _ = written
    result = json.loads(result_file.read_text("utf-8"))
    model = rebuilt(load_model(model_file), device="cpu", precision="float32")
    assert model.classes_.tolist() == list(result["classes"])
    probabilities = model.predict_proba(make_faces(14, random_state=0)[0])
    # Processors round differently, in the last bits.
    np.testing.assert_allclose(probabilities, result["drawn_faces"], atol=1e-4)


def test_the_file_is_small_and_for_any_machine(written):
    model_file, result_file, _ = written
    result = json.loads(result_file.read_text("utf-8"))
    assert model_file.stat().st_size == result["bytes"] < 3_000_000
    model = load_model(model_file)
    assert (model.device, model.precision, model.net_.device) == ("auto", "auto", "cpu")


def test_the_page_has_the_figures(written, script):
    _, result_file, page_file = written
    result = json.loads(result_file.read_text("utf-8"))
    page = page_file.read_text("utf-8")
    assert page == script["page"](result)
    assert f"{result['public_test']['with_mirror_images']['accuracy']:.1%}" in page
    for name, row in result["classes"].items():
        assert f"| {name} | {row['precision']:.1%} |" in page


def test_the_accuracy_on_the_test_images(written, script, request):
    model_file, result_file, _ = written
    result = json.loads(result_file.read_text("utf-8"))
    if not result["quick"]:
        request.getfixturevalue("data_folder")
    _, (X, y) = script["load"](result["quick"])
    accuracy = load_model(model_file).score(X, y)
    assert accuracy == pytest.approx(result["public_test"]["one_pass"]["accuracy"], abs=0.001)


@pytest.mark.parametrize("tta", [False, True])
def test_the_temperature_is_in_the_last_layer(script, faces, tta):
    X, y = faces
    model = FERCNNClassifier("sequential", max_epochs=1, random_state=0, precision="float32")
    model.fit(X[:140], y[:140]).set_params(tta=tta)
    X, y = X[140:], y[140:]
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(X, y)
    expected = calibrated.predict_proba(X)
    before = model.predict_proba(X)
    script["divide_logits"](model, script["temperature"](model, (X, y)))
    after = model.predict_proba(X)
    assert np.abs(after - before).max() > 0.01
    # With mirror images, the mean is over probabilities that were divided before.
    np.testing.assert_allclose(after, expected, atol=0.02 if tta else 1e-4)


def test_no_copy_of_a_training_image_is_set_aside(script):
    X, y = make_faces(140, random_state=0)
    X, y = np.concatenate([X, X[::-1]]), np.concatenate([y, y[::-1]])
    rows, aside = script["set_aside"](X, y, 0)
    assert sorted([*rows, *aside]) == list(range(280))
    assert 8 <= len(aside) <= 20
    assert not {row.tobytes() for row in X[rows]} & {row.tobytes() for row in X[aside]}
    assert not np.array_equal(aside, script["set_aside"](X, y, 1)[1])
