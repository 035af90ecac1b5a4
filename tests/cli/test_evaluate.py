import json
import re
import shlex

import joblib
import pytest
from PIL import Image
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB

from sk_fer.datasets import make_faces

from .conftest import DENSE


@pytest.fixture(scope="module")
def model(trained):
    return trained[0] / "model.skfer"


def test_evaluate_scores_what_train_set_aside(run, trained, model):
    report = json.loads((trained[0] / "report.json").read_text())
    result = run("evaluate", model, "--subset", "test")
    assert result.exit_code == 0, result.output
    assert f"Test: accuracy {report['accuracy']['test']:.1%} on 21 images" in result.output


def test_evaluate_takes_all_images_where_there_are_no_splits(run, model, class_folder, tmp_path):
    result = run("evaluate", model, class_folder, "--out", tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert "All: accuracy" in result.output
    assert re.search(r"surprise .* 0 *\n", result.output)  # the model knows it, the data does not
    with Image.open(tmp_path / "report" / "confusion_matrix_all.png") as image:
        image.verify()


def test_evaluate_brings_images_to_the_size_of_the_model(run, model, tmp_path):
    X, y = make_faces(14, image_size=64, random_state=0)
    for i, (row, name) in enumerate(zip(X, y, strict=True)):
        (tmp_path / "test" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(row.reshape(64, 64)).resize((50 + i, 60)).save(
            tmp_path / "test" / name / f"{i}.png"
        )
    result = run("evaluate", model, tmp_path, "--subset", "all")
    assert result.exit_code == 0, result.output
    assert "on 14 images" in result.output


def test_other_classifiers_of_scikit_learn_work(run, class_folder, tmp_path):
    X, y = make_faces(35, random_state=0)
    joblib.dump(GaussianNB().fit(X, y), tmp_path / "model.joblib")
    image = class_folder / "happy" / "0.png"
    assert run("predict", tmp_path / "model.joblib", image).exit_code == 0
    assert run("evaluate", tmp_path / "model.joblib", class_folder).exit_code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file; wanted the model.skfer of sk-fer train"),
        (b"", "not a model that can be read"),
        (b"no pickle at all", "not a model that can be read"),
        ({"a": 1}, "holds a dict; wanted a classifier"),
        (LinearRegression(), "holds a LinearRegression; wanted a classifier"),
        (LogisticRegression(), "the LogisticRegression in it is not fitted"),
        (LogisticRegression().fit([[0], [0], [1]], [0, 0, 1]), "no class in common"),
    ],
)
def test_files_that_are_no_model(run, class_folder, tmp_path, content, words):
    path = tmp_path / "model.joblib"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        joblib.dump(content, path)
    result = run("evaluate", path, class_folder)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_command_that_train_names_next_runs(run, tmp_path):
    X, y = make_faces(84, image_size=32, random_state=0)
    for i, (row, name) in enumerate(zip(X, y, strict=True)):
        (tmp_path / "faces" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(row.reshape(32, 32)).save(tmp_path / "faces" / name / f"{i}.png")
    arguments = ["--image-size", 24, "--test-size", 0.2, "--seed", 5, "--out", tmp_path / "out"]
    result = run("train", tmp_path / "faces", *DENSE, *arguments)
    assert result.exit_code == 0, result.output
    (line,) = [row for row in result.output.splitlines() if row.startswith("Next: sk-fer ")]
    scored = run(*shlex.split(line)[2:])
    assert scored.exit_code == 0, scored.output
    # Without a word on the splits, they are those of the training, and what it did not see.
    model = tmp_path / "out" / "model.skfer"
    again = run("evaluate", model, tmp_path / "faces")
    assert again.output == scored.output
    assert "test images" in again.output
    everything = run(
        "evaluate", tmp_path / "out/model.skfer", tmp_path / "faces", "--subset", "all"
    )
    assert "The model was trained on some of these images." in everything.output
