import csv
import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sk_fer import FERDenseClassifier, load_model
from sk_fer.datasets import make_faces

from .conftest import DENSE


def test_prints_the_data_and_the_scores(trained):
    out, result = trained
    assert result.exit_code == 0, result.output
    for words in (
        "drawn faces, seed 0: 210 images of 48 x 48 pixels in 7 classes",
        "10% of each class for validation and 10% for test, seed 0",
        "None of 210 images is a copy of another one.",
        "Epoch 1/1  loss ",
        "Validation: accuracy",
        "Test: accuracy",
        "precision",
        f"sk-fer evaluate {out}/model.skfer --subset test",
    ):
        assert words in result.output


def test_writes_each_file_whole_and_nothing_else(trained):
    out, _ = trained
    assert sorted(path.name for path in out.iterdir()) == [
        "confusion_matrix.png",
        "confusion_matrix_test.png",
        "history.csv",
        "history.png",
        "model.skfer",
        "report.json",
    ]
    for path in out.glob("*.png"):
        with Image.open(path) as image:
            image.verify()
            assert image.format == "PNG"
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1"]
    assert 0 <= float(rows[0]["valid_accuracy"]) <= 1


def test_the_report_describes_the_training(trained):
    out, _ = trained
    report = json.loads((out / "report.json").read_text())
    assert report["model"] == "dense"
    assert report["parameters"]["hidden_layer_sizes"] == [16]
    assert report["parameters"]["random_state"] == 0
    assert report["data"]["splits"] == {"test": 21, "train": 168, "validation": 21}
    assert set(report["accuracy"]) == {"validation", "test"}
    assert "torch" in report["versions"]


def test_model_is_a_plain_estimator(trained):
    model = load_model(trained[0] / "model.skfer")
    assert isinstance(model, FERDenseClassifier)
    assert model.callbacks is None
    assert model.n_epochs_ == 1


def test_refuses_to_overwrite_and_force_does(run, trained, tmp_path):
    (tmp_path / "report.json").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    result = run("train", *DENSE, "--out", tmp_path)
    assert result.exit_code == 1
    assert (
        f"error: {tmp_path} already contains report.json; use --force to overwrite" in result.stderr
    )
    assert (tmp_path / "report.json").read_text() == "old"

    result = run("train", *DENSE, "--out", tmp_path, "--force")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "report.json").read_text())["model"] == "dense"
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_class_folder_with_fraction_and_without_own_splits(run, class_folder, tmp_path):
    out = tmp_path / "a" / "out"
    result = run("train", class_folder, *DENSE, "--fraction", 0.5, "--seed", 3, "--out", out)
    assert result.exit_code == 0, result.output
    report = json.loads((out / "report.json").read_text())
    assert report["data"]["splits"] == {"test": 3, "train": 24, "validation": 3}
    assert report["n_train"] == 12
    assert report["data"]["classes"] == ["fear", "happy", "sad"]
    assert f"{class_folder} --seed 3 --subset test" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["no-such.csv"], 1, "sk-fer: error: no-such.csv: no such file or folder"),
        (["--fraction", "0"], 2, "--fraction: got 0, expected a number above 0, at most 1"),
        (["--test-size", "0.5"], 2, "--test-size: got 0.5, expected"),
        (["--device", "abacus"], 2, "abacus"),
        (["--ferplus", "votes.csv"], 2, "--ferplus: it needs DATA"),
        (["--set", "dropout=2"], 2, "dropout"),
        (["--image-size", "24"], 2, "--image-size: it is only for images"),
        (["--classes", "a,b"], 2, "--classes: it is only for class folders"),
        (["--format", "kdef"], 2, "--format: it is only for a file or folder"),
        (["--format", "fer"], 2, "'fer' is not one of auto, fer2013"),
        (["--precision", "float16"], 2, "needs a CUDA device"),
        (["--set", "dropout"], 2, "got 'dropout', expected NAME=VALUE"),
        (["--set", "speed=9"], 2, "has no parameter 'speed'"),
        (["--model", "resnet"], 2, "'resnet' is not one of"),
        (["--epochs", "0"], 2, "--epochs"),
        (["no.csv", "--set", "augment={'flop': 1}"], 2, "augment has 'flop'"),
        (["no.csv", "--fraction", "0"], 2, "--fraction: got 0, expected"),
        (
            ["no.csv", "--test-size", "0"],
            2,
            "--test-size: got 0, expected a number above 0",
        ),
        ([""], 2, "got an empty path"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(run, tmp_path, arguments, code, words):
    out = tmp_path / "out"
    result = run("train", *DENSE, *arguments, "--out", out)
    assert result.exit_code == code
    # What a terminal shows of wrong usage is framed and wrapped.
    shown = " ".join(result.stderr.replace("│", " ").split())
    assert words in shown
    assert "Traceback" not in shown
    if code == 1:
        assert len(result.stderr.splitlines()) == 1
    assert not out.exists()


def test_own_class_names(run, save_images, tmp_path):
    X, y = make_faces(42, random_state=0)
    classes = np.where(y == "happy", "cat", "dog")
    save_images(X, [tmp_path / "faces" / name / f"{i}.png" for i, name in enumerate(classes)])
    refused = run("train", tmp_path / "faces", *DENSE, "--out", tmp_path / "out")
    assert refused.exit_code == 1
    assert "--classes" in refused.stderr
    arguments = [tmp_path / "faces", "--classes", "cat,dog"]
    result = run("train", *arguments, *DENSE, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    scored = run("evaluate", tmp_path / "out" / "model.skfer", *arguments)
    assert scored.exit_code == 0, scored.output
    assert "dog" in scored.output


def test_names_of_classes_may_have_spaces_around_them(run, tmp_path):
    for i in range(24):
        path = tmp_path / "faces" / ("smile", "other one")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (48, 48), i * 9).save(path)
    arguments = ["--classes", " smile ,Other One, frown,", "--out", tmp_path / "out"]
    result = run("train", tmp_path / "faces", *DENSE, *arguments)
    assert result.exit_code == 0, result.output
    assert load_model(tmp_path / "out" / "model.skfer").classes_.tolist() == ["Other One", "smile"]
    words = f"--classes has frown, but {tmp_path / 'faces'} has no such images"
    assert result.stderr == f"sk-fer: warning: {words}\n"

    result = run("train", tmp_path / "faces", *DENSE, "--classes", " , ")
    assert result.exit_code == 2
    assert "Invalid value for --classes: got ' , ', expected names separated" in result.stderr


@pytest.fixture
def coloured(tmp_path):
    """Images of two classes that differ in nothing but their colour."""
    for i in range(60):
        name, color = (("happy", (250, i, 0)), ("sad", (0, i, 250)))[i % 2]
        luma = np.array([299, 587, 114]) / 1000
        pixel = np.array(color) * (60 / (luma @ color))  # all of one gray
        path = tmp_path / "faces" / name / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 12), tuple(pixel.clip(0, 255).astype(int))).save(path)
    return tmp_path / "faces"


def test_colours_are_learnt_and_used(run, coloured, tmp_path):
    arguments = ["--image-size", 12, "--set", "normalize='none'"]
    dense = [*DENSE[:-1], "20", "--lr", "0.01", "--batch-size", "8"]
    out = tmp_path / "out"
    result = run("train", coloured, *dense, *arguments, "--color", "--out", out)
    assert result.exit_code == 0, result.output
    model = load_model(out / "model.skfer")
    assert model.image_shape_ == (12, 12, 3)
    (line,) = [row for row in result.output.splitlines() if row.startswith("Next: sk-fer ")]
    scored = run(*shlex.split(line)[2:])
    assert "Test: accuracy 100.0% on 6 images" in scored.output

    with pytest.warns(UserWarning, match="only one colour"):
        predicted = run("predict", out / "model.skfer", coloured, "--faces", "whole", "--json")
    found = {face["image"]: face["label"] for face in json.loads(predicted.stdout)}
    assert len(found) == 60
    assert all(Path(path).parent.name == label for path, label in found.items())
    gray = run("evaluate", out / "model.skfer", "--subset", "test")  # drawn faces are gray
    assert gray.exit_code == 0, gray.output


def test_the_share_set_aside_is_the_one_asked_for(run, class_folder, tmp_path):
    arguments = [*DENSE, "--test-size", 0.3, "--out", tmp_path / "out"]
    result = run("train", class_folder, *arguments)
    assert result.exit_code == 0, result.output
    assert "Splits: 30% of each class for validation and 30% for test, seed 0." in result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["data"]["splits"] == {"test": 9, "train": 12, "validation": 9}


def test_splits_of_any_name_are_kept_and_files_that_are_not_read_are_counted(
    run, save_images, tmp_path
):
    X, y = make_faces(70, random_state=0)
    splits = [("training_set", "test_set")[i // 7 % 2] for i in range(70)]
    names = [f"{i}.tif" for i in range(70)]
    save_images(X, map((tmp_path / "faces").joinpath, splits, y, names))
    (tmp_path / "faces" / "training_set" / "labels.md").write_text("none")
    out = tmp_path / "out"
    with pytest.warns(UserWarning, match="1 .*not read"):
        result = run("train", tmp_path / "faces", *DENSE, "--test-size", "0.2", "--out", out)
    assert result.exit_code == 0, result.output
    words = "the test split of the data set, and 20% of each class for validation, seed 0."
    assert f"Splits: {words}" in result.output
    report = json.loads((out / "report.json").read_text())
    assert report["data"]["splits"] == {"test": 35, "train": 28, "validation": 7}
    assert report["data"]["not_read"] == {".md": 1}


def test_an_unknown_folder_next_to_splits_is_an_error(run, tmp_path):
    for split in ("train", "extra"):
        for name in ("happy", "sad"):
            path = tmp_path / "faces" / split / name / "1.png"
            path.parent.mkdir(parents=True)
            Image.new("L", (48, 48)).save(path)
    result = run("train", tmp_path / "faces", *DENSE, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "its folder 'extra' is named after none" in result.stderr


def test_bad_data_leaves_no_folder_behind(run, class_folder, tmp_path):
    for arguments in (
        [tmp_path / "no.csv"],
        [class_folder, "--set", "class_weight={'cat': 2}"],
        [class_folder, "--test-size", 0.45],
    ):
        result = run("train", *arguments, *DENSE, "--out", tmp_path / "a" / "b" / "out")
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == []


def test_a_lock_alone_is_not_an_interrupted_training(run, class_folder, tmp_path):
    (tmp_path / "out" / "checkpoints").mkdir(parents=True)
    (tmp_path / "out" / "checkpoints" / ".lock").touch()
    result = run("train", class_folder, *DENSE, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("verb", ["train", "search", "compare", "evaluate"])
def test_the_output_folder_is_checked_before_anything_is_read(
    run, trained, tmp_path, monkeypatch, verb
):
    model = [trained[0] / "model.skfer"] if verb == "evaluate" else []
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / "out"
    result = run(verb, *model, "no.csv", "--out", out)
    assert result.exit_code == 1
    words = f"{out}: {tmp_path / 'file'} is a file; expected a folder"
    assert result.stderr == f"sk-fer: error: {words}\n"

    monkeypatch.setattr("os.access", lambda path, mode: False)
    result = run(verb, *model, "no.csv", "--out", tmp_path / "new" / "out")
    assert result.exit_code == 1
    assert f"{tmp_path} is not writable; choose another folder with --out" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "https://example.org/fer2013.csv"],
        ["evaluate", "https://example.org/model.skfer"],
        ["predict", "https://example.org/model.skfer", "face.png"],
        ["train", "fer2013.csv", "--ferplus", "https://example.org/fer2013new.csv"],
        ["train", "--out", "s3://example/out"],
        ["export", "model.skfer", "s3://example/model.onnx"],
    ],
)
def test_urls_are_named_as_they_were_typed(run, arguments, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    result = run(*arguments)
    assert result.exit_code == 2
    (address,) = [argument for argument in arguments if "://" in argument]
    shown = " ".join(result.stderr.replace("│", " ").split())
    assert f"{address} is a URL; expected a file or folder on this machine" in shown


def test_debug_shows_the_traceback(run):
    result = run("--debug", "train", "no-such.csv")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("sk-fer: error: no-such.csv")


def test_real_csv(run, data_folder, tmp_path):
    data = data_folder / "fer2013.csv"
    result = run("train", data, *DENSE, "--fraction", 0.01, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Splits: those of the data set." in result.output
    assert "of validation are in train as well" in result.output
    assert "There is no test split." in result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["data"]["splits"] == {"train": 28709, "validation": 3589}
    assert 280 <= report["n_train"] <= 295
    assert not (tmp_path / "out" / "confusion_matrix_test.png").exists()


def test_real_subjects_stay_together(data_folder):
    from sk_fer._cli._data import Source, read_faces

    faces = read_faces(Source(data_folder / "CK+48"))
    assert "without a common subject" in faces.split_note
    subjects = [set(faces.groups[faces.splits == s]) for s in ("train", "validation", "test")]
    assert sum(map(len, subjects)) == len(set(faces.groups))


def test_a_zip_of_class_folders_is_read_as_the_folders(run, class_folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "faces"), "zip", class_folder)
    results = [
        run("train", data, *DENSE, "--out", tmp_path / name)
        for data, name in ((archive, "zip"), (class_folder, "folder"))
    ]
    assert [result.exit_code for result in results] == [0, 0]
    X, _ = make_faces(10, random_state=0)
    models = [load_model(tmp_path / name / "model.skfer") for name in ("zip", "folder")]
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in models))
    scored = run("evaluate", tmp_path / "zip" / "model.skfer", archive)
    assert "Test: accuracy" in scored.output


def test_real_votes_and_pixels_are_one_data_set(run, data_folder, tmp_path):
    data = data_folder / "fer2013.csv"
    arguments = ["--ferplus", data_folder / "fer2013new.csv", "--fraction", 0.005]
    result = run("train", data, *arguments, *DENSE, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "in 8 classes" in result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert set(report["data"]["splits"]) == {"train", "validation"}
