import csv

import numpy as np
import pytest
from PIL import Image

from sk_fer import make_classifier
from sk_fer.datasets import make_faces
from sk_fer.model_selection import learning_curve, make_splits

SMALL = ["--model", "dense", "--set", "hidden_layer_sizes=(4,)", "--epochs", 1]


def test_table_and_picture_are_those_of_the_function(run, tmp_path):
    out = tmp_path / "curve"
    arguments = ["--fractions", "1,0.5", "--repeats", 2, "--seed", 3, "--out", out]
    result = run("learning-curve", *SMALL, *arguments)
    assert result.exit_code == 0, result.output
    assert "fraction 0.5, 84 images, repeat 1 of 2: score " in result.output
    assert "Wrote learning_curve.csv and learning_curve.png into" in result.output

    faces = make_faces(210, return_X_y=False, random_state=3)
    splits = make_splits(faces, random_state=3)
    train, test = splits == "train", splits == "validation"
    images, target = faces.images, faces.target
    parameters = {"max_epochs": 1, "batch_size": 32, "augment": {"flip": 0.5}}
    model = make_classifier("dense", hidden_layer_sizes=(4,), **parameters)
    expected = learning_curve(
        model, images[train], target[train], images[test], target[test],
        fractions=(0.5, 1), n_repeats=2, random_state=3,
    )  # fmt: skip
    with (out / "learning_curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["fraction"]) for row in rows] == [0.5, 1]
    assert [int(row["n_images"]) for row in rows] == [84, 168]
    scores = [[float(row["score_1"]), float(row["score_2"])] for row in rows]
    np.testing.assert_allclose(scores, expected.scores)
    assert f"{expected.scores[0].mean():.1%}" in result.output
    assert expected.summary.split(", after ")[0] in result.output
    with Image.open(out / "learning_curve.png") as picture:
        assert picture.size == (960, 630)

    again = run("learning-curve", *SMALL, *arguments)
    assert again.exit_code == 1
    assert "already contains learning_curve.csv" in again.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fractions", "0,1"], "got 0, expected a number above 0, at most 1"),
        (["--fractions", "0.5,2"], "got 2, expected a number above 0, at most 1"),
        (["--fractions", "half"], "got 'half', expected numbers separated by commas"),
        (["--fractions", "0.5,0.5"], "got 0.5,0.5, expected each fraction once"),
        (["--fractions", ""], "expected numbers separated by commas"),
        (["--repeats", 1], "Invalid value for '--repeats'"),
        (["--set", "units=5"], "FERDenseClassifier has no parameter 'units'"),
        (["--subset", "train"], "'train' is not one of validation, test"),
    ],
)
def test_wrong_usage(run, arguments, words):
    result = run("learning-curve", *SMALL, *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_an_error_names_the_fraction(run):
    result = run("learning-curve", *SMALL, "--fractions", "0.01,1", "--repeats", "2")
    assert result.exit_code == 1
    assert "(The fit was on a fraction of 0.01, 7 images.)" in result.stderr
