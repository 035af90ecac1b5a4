import csv
import json
import re

import pytest
from PIL import Image
from sklearn.exceptions import FitFailedWarning

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces

SMALL = ["--epochs", 1, "--set", "hidden_layer_sizes=(8,)"]
DENSE = ["--model", "dense", *SMALL]


@pytest.fixture(scope="module")
def split_folder(save_images, tmp_path_factory):
    """Drawn faces as ``<split>/<class>/<n>.png``, of splits train, validation and test."""
    folder = tmp_path_factory.mktemp("splits")
    X, y = make_faces(70, random_state=1)
    splits = [("train", "validation", "train", "test")[i // 7 % 4] for i in range(70)]
    save_images(X, map(folder.joinpath, splits, y, [f"{i}.png" for i in range(70)]))
    return folder


def test_models_on_class_folders_as_one_table_and_three_files(run, split_folder, tmp_path):
    out = tmp_path / "out"
    models = ["--model", "sequential", "--model", "dense"]
    result = run("compare", split_folder, *models, "--image-size", 16, *SMALL, "--out", out)
    assert result.exit_code == 0, result.output
    assert "Splits: those of the data set." in result.output
    assert "sequential, 1 of 2, on 35 images" in result.output
    assert re.search(r"dense: \d+\.\d% accurate, \d+\.\d s", result.output)
    assert "Validation: 21 images" in result.output
    assert max(map(len, result.output.partition("Validation: ")[2].splitlines()[:-1])) <= 80

    files = {"comparison.csv", "comparison.json", "comparison.png"}
    assert {path.name for path in out.iterdir()} == files
    with (out / "comparison.csv").open() as file:
        rows = {row["estimator"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["sequential", "dense"]
    assert rows["dense"]["parameters"] == str(16 * 16 * 8 + 8 + 8 * 7 + 7)
    report = json.loads((out / "comparison.json").read_text())
    assert report["subset"] == "validation"
    assert report["n_train"] == 35
    assert report["data"]["splits"] == {"test": 14, "train": 35, "validation": 21}
    dense = report["models"]["dense"]
    assert dense["parameters"]["hidden_layer_sizes"] == [8]
    assert dense["results"]["accuracy"] == pytest.approx(float(rows["dense"]["accuracy"]))
    assert dense["parameters"]["validation_fraction"] is None  # the preset sets 0.1 aside
    assert "hidden_layer_sizes" not in report["models"]["sequential"]["parameters"]
    with Image.open(out / "comparison.png") as image:
        image.verify()


def test_scores_are_those_of_a_fit_by_hand_on_the_test_split(run, split_folder, tmp_path):
    from sk_fer.datasets import load_image_folder

    out = tmp_path / "out"
    arguments = ["--image-size", 16, "--subset", "test", "--seed", 3]
    result = run("compare", split_folder, *DENSE, *arguments, "--out", out)
    assert result.exit_code == 0, result.output
    report = json.loads((out / "comparison.json").read_text())
    parameters = report["models"]["dense"]["parameters"]
    read = {"image_size": (16, 16), "return_X_y": True}
    model = FERDenseClassifier(**parameters).fit(
        *load_image_folder(split_folder, subset="train", **read)
    )
    accuracy = model.score(*load_image_folder(split_folder, subset="test", **read))
    assert report["models"]["dense"]["results"]["accuracy"] == pytest.approx(accuracy)
    assert parameters["random_state"] == 3


def test_a_model_that_fails_leaves_the_others(run, split_folder, tmp_path, monkeypatch):
    def refuse(*_):
        raise ValueError("not today")

    monkeypatch.setattr(FERCNNClassifier, "fit", refuse)
    out = tmp_path / "out"
    arguments = ["compare", split_folder, "--image-size", 16, "--model", "sequential"]
    with pytest.warns(FitFailedWarning, match="'sequential' failed.* ValueError: not today"):
        result = run(*arguments, *DENSE, "--out", out)
    assert result.exit_code == 1
    assert result.stderr == "sk-fer: error: these models failed and have no scores: sequential\n"
    assert re.search(r"sequential( +-){9}\n", result.output)
    report = json.loads((out / "comparison.json").read_text())
    assert report["models"]["sequential"]["results"]["accuracy"] is None
    assert report["models"]["dense"]["results"]["accuracy"] is not None

    with pytest.warns(FitFailedWarning):
        result = run(*arguments, "--out", tmp_path / "none")
    assert result.exit_code == 1
    assert "all 1 estimators failed: 'sequential': ValueError: not today" in result.stderr
    assert not (tmp_path / "none").exists()


def test_an_interruption_leaves_the_table_of_the_models_before_it(
    run, split_folder, tmp_path, monkeypatch
):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(FERCNNClassifier, "fit", interrupt)
    out = tmp_path / "out"
    arguments = [*DENSE, "--model", "sequential", "--image-size", 16, "--out", out]
    with pytest.warns(FitFailedWarning, match="interrupted; without scores: 'sequential'"):
        result = run("compare", split_folder, *arguments)
    assert result.exit_code == 130
    report = json.loads((out / "comparison.json").read_text())
    assert report["models"]["dense"]["results"]["accuracy"] is not None
    assert report["models"]["sequential"]["results"]["error"] == "interrupted"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--model", "resnet"], 2, "'resnet' is not one of"),
        (["--model", "dense"], 2, "'dense' is given 2 times"),
        (["--subset", "train"], 2, "'train' is not one of validation, test"),
        (["--set", "speed=9"], 2, "none of dense has a parameter 'speed'; they have"),
        (["--set", "speed"], 2, "expected NAME=VALUE"),
        (["--set", "dropout=2"], 2, "dropout"),
        (["--device", "abacus"], 2, "abacus"),
        (["--fraction", "0"], 2, "--fraction: got 0, expected"),
        (["no-such.csv"], 1, "no-such.csv: no such file or folder"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(run, tmp_path, arguments, code, words):
    out = tmp_path / "out"
    result = run("compare", *DENSE, *arguments, "--out", out)
    assert result.exit_code == code
    assert words in " ".join(result.stderr.replace("│", " ").split())
    assert not out.exists()


def test_refuses_to_overwrite(run, tmp_path):
    (tmp_path / "comparison.csv").write_text("old")
    result = run("compare", *DENSE, "--out", tmp_path)
    assert result.exit_code == 1
    assert "already contains comparison.csv; use --force to overwrite" in result.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_validation_images_of_each_fit_are_of_other_people(run, data_folder, tmp_path, monkeypatch):
    fit, groups = FERDenseClassifier.fit, []

    def fit_with_groups(self, X, *arguments, **kwargs):
        groups.append(kwargs.get("groups"))
        return fit(self, X, *arguments, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", fit_with_groups)
    result = run("compare", data_folder / "CK+48", *DENSE, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    people = groups[-1]
    assert people[0].startswith("S")
    assert len(people) == json.loads((tmp_path / "out/comparison.json").read_text())["n_train"]
