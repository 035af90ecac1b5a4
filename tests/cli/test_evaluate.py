import json
import re
import shlex

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import precision_recall_fscore_support
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERDenseClassifier, FERFeatures, load_model, save_model
from sk_fer.datasets import load_image_folder, make_faces

from .conftest import DENSE


@pytest.fixture(scope="module")
def model(trained):
    return trained[0] / "model.skfer"


def test_evaluate_scores_what_train_set_aside(run, trained, model):
    report = json.loads((trained[0] / "report.json").read_text())
    result = run("evaluate", model, "--subset", "test")
    assert result.exit_code == 0, result.output
    assert f"Test: accuracy {report['accuracy']['test']:.1%} on 21 images" in result.output
    assert f"Splits: {report['data']['split_note']}." in " ".join(result.output.split())


@pytest.mark.parametrize("name", ["Test", "PrivateTest", "test_set"])
def test_a_split_may_have_any_of_its_names(run, trained, model, name):
    assert run("evaluate", model, "--subset", name).output == (
        run("evaluate", model, "--subset", "test").output
    )


def test_evaluate_takes_all_images_where_there_are_no_splits(run, model, class_folder, tmp_path):
    result = run("evaluate", model, class_folder, "--out", tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert "All: accuracy" in result.output
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


@pytest.fixture
def write_faces(save_images):
    """A function that writes drawn faces into class folders, as many of each class as named."""

    def write(folder, counts, size=48):
        X, y = make_faces(70, image_size=size, random_state=5)
        for name, count in counts.items():
            rows = X[y == name] if name in y else X
            save_images(rows[:count], [folder / name / f"{i}.png" for i in range(count)])
        return folder

    return write


def test_classes_without_images_are_no_part_of_the_means(run, write_faces, model, tmp_path):
    data = write_faces(tmp_path / "faces", {"happy": 8, "sad": 4})
    result = run("evaluate", model, data, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    X, y = load_image_folder(data, return_X_y=True)
    y_pred = load_model(model).predict(X)
    seen = {"labels": ["happy", "sad"], "average": "macro", "zero_division": 0}
    expected = precision_recall_fscore_support(y, y_pred, **seen)[:3]
    means = re.search(r"mean +(\S+) +(\S+) +(\S+) +12", result.output).groups()
    assert means == tuple(f"{mean:.3f}" for mean in expected)
    recalls = [(y_pred[y == name] == name).mean() for name in ("happy", "sad")]
    assert means[1] == f"{sum(recalls) / 2:.3f}"
    assert re.search(r"surprise +- +- +- +0", result.output)
    words = "The means exclude classes without images: angry, disgust, fear, neutral, surprise."
    assert words in result.output


def test_another_data_set_is_scored_on_the_classes_that_the_model_knows(
    run, write_faces, model, tmp_path
):
    data = write_faces(tmp_path / "faces", {"happy": 6, "contempt": 3})
    (data / "happy").rename(data / "Joy")
    result = run("evaluate", model, data)
    assert result.exit_code == 0, result.output
    X, y = load_image_folder(data / "Joy" / "..", return_X_y=True)
    y_pred = load_model(model).predict(X)[y == "happy"]
    accuracy = (y_pred == "happy").mean()
    assert f"All: accuracy {accuracy:.1%} on 6 images" in result.output
    words = "Images of classes that the model does not know are left out: contempt (3)."
    assert words in result.output
    if (y_pred != "happy").any():
        n_others = (y_pred != "happy").sum()
        number = "One image is" if n_others == 1 else f"{n_others} images are"
        assert f"{number} predicted as a class that the data does not" in result.output


def test_a_class_that_only_the_model_names_otherwise_is_matched(run, write_faces, tmp_path):
    X, y = make_faces(140, random_state=0)
    names = np.where(y == "happy", "Happiness", np.where(y == "sad", "Sadness", "other"))
    model = FERDenseClassifier((16,), max_epochs=3, random_state=0).fit(X, names)
    save_model(model, tmp_path / "model.skfer")
    data = write_faces(tmp_path / "faces", {"happy": 6, "sad": 5, "fear": 4})
    result = run("evaluate", tmp_path / "model.skfer", data)
    assert "on 11 images" in result.output
    assert re.search(r"Happiness +\d.* 6 ", result.output)
    assert "are left out: fear (4)." in result.output


def test_other_classifiers_of_scikit_learn_work(run, class_folder, tmp_path):
    X, y = make_faces(35, random_state=0)
    joblib.dump(GaussianNB().fit(X, y), tmp_path / "model.joblib")
    image = class_folder / "happy" / "0.png"
    assert run("predict", tmp_path / "model.joblib", image).exit_code == 0
    assert run("evaluate", tmp_path / "model.joblib", class_folder).exit_code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file; expected a model.skfer that sk-fer train wrote"),
        (b"", "cannot be read as a model"),
        (b"no pickle at all", "cannot be read as a model"),
        ({"a": 1}, "contains a dict; expected a classifier"),
        (LinearRegression(), "contains a LinearRegression; expected a classifier"),
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


def test_features_with_a_classifier_of_scikit_learn_work(run, class_folder, tmp_path):
    X, y = make_faces(35, random_state=0)
    features = FERFeatures("fast", weights=None, random_state=0)
    model = make_pipeline(features, StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, y)
    path = tmp_path / "model.skfer"
    save_model(model, path)
    result = run("predict", path, class_folder / "happy" / "0.png", "--json", "--top", 7)
    assert result.exit_code == 0, result.output
    with Image.open(class_folder / "happy" / "0.png") as image:
        [expected] = model.predict_proba(np.asarray(image).reshape(1, -1))
    [face] = json.loads(result.stdout)
    assert face["probabilities"] == pytest.approx(
        dict(zip(model.classes_, expected, strict=True)), abs=1e-4
    )
    found = load_image_folder(class_folder)
    accuracy = model.score(found.data, found.target)
    assert f"All: accuracy {accuracy:.1%}" in run("evaluate", path, class_folder).output
    save_model(features.fit(X), path)
    result = run("evaluate", path, class_folder)
    assert result.exit_code == 1
    assert "contains a FERFeatures; expected a classifier" in result.stderr


def test_the_next_command_that_train_prints_runs(run, save_images, tmp_path):
    X, y = make_faces(84, image_size=32, random_state=0)
    save_images(X, [tmp_path / "faces" / name / f"{i}.png" for i, name in enumerate(y)])
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


def test_accuracy_without_copies_of_training_images(run, save_images, tmp_path):
    X, y = make_faces(84, random_state=0)
    X[56:60], X[60:62] = X[:4], X[62:64]  # four copies in training; two in the test split only
    y[56:60] = y[:4]
    splits = ["train"] * 42 + ["validation"] * 14 + ["test"] * 28
    data, out = tmp_path / "data", tmp_path / "out"
    save_images(X, [data / split / name / f"{i}.png" for i, (split, name) in
                    enumerate(zip(splits, y, strict=True))])  # fmt: skip
    assert run("train", data, *DENSE, "--out", out).exit_code == 0
    result = run("evaluate", out / "model.skfer", data, "--subset", "test")
    assert result.exit_code == 0, result.output
    assert "4 of 28 test images are copies of a training image: 4 exact and 0 near." in (
        " ".join(result.output.split())
    )
    correct = load_model(out / "model.skfer").predict(X[60:]) == y[60:]
    assert f"Accuracy without them: {correct.mean():.1%} on 24 images" in result.output
    result = run("evaluate", out / "model.skfer", data, "--subset", "all")
    assert "of a training image" not in result.output
