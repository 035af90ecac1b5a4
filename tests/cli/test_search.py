import csv
import re

import pytest
from sklearn.model_selection import ParameterGrid

from sk_fer import load_model, make_classifier
from sk_fer._cli._search import DEFAULT_GRIDS
from sk_fer.estimators import PRESETS

SMALL = ["--model", "dense", "--epochs", "1", "--cv", "2"]


def test_grid_search_writes_candidates_and_the_best(run, tmp_path):
    out = tmp_path / "out"
    result = run(
        "search",
        *SMALL,
        "--param",
        "hidden_layer_sizes=(8,),(16,)",
        "--fraction",
        0.5,
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    assert "Searching 2 candidates of dense on 84 images, 2 folds" in result.output
    assert result.output.count("Accuracy ") == 4 + 1  # each fit and the table of the folds
    assert re.search(r"Accuracy .*% after .* s, hidden_layer_sizes=\(8,\)\n", result.output)
    assert "Validation: accuracy" in result.output
    with (out / "search.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["param_hidden_layer_sizes"] for row in rows} == {"(8,)", "(16,)"}
    best = min(rows, key=lambda row: int(row["rank_test_score"]))
    assert f"hidden_layer_sizes={best['param_hidden_layer_sizes']}" in result.output
    model = load_model(out / "model.skfer")
    assert str(model.hidden_layer_sizes) == best["param_hidden_layer_sizes"]


def test_halving_gives_the_best_more_epochs(run, tmp_path):
    out = tmp_path / "out"
    result = run(
        "search", "--model", "dense", "--epochs", 3, "--cv", 2, "--halving",
        "--param", "lr=0.001,0.01,0.05", "--param", "hidden_layer_sizes=(8,)", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    with (out / "search.csv").open() as file:
        epochs = [row["n_resources"] for row in csv.DictReader(file)]
    assert epochs == ["1", "1", "1", "3"]
    assert load_model(out / "model.skfer").max_epochs == 3


def test_real_folds_keep_subjects_together(run, data_folder, tmp_path):
    result = run(
        "search", data_folder / "CK+48", *SMALL, "--param", "hidden_layer_sizes=(8,)",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "no subject in two of them" in result.output


@pytest.mark.parametrize("model", PRESETS)
def test_each_model_has_a_default_grid_of_its_own_parameters(model):
    grid = DEFAULT_GRIDS[model]
    assert len(ParameterGrid(grid)) == 4
    assert set(grid) <= set(make_classifier(model).get_params())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--param", "speed=1,2"], 2, "has no parameter 'speed'"),
        (["--param", "lr"], 2, "wanted NAME=VALUE"),
        (["--param", "lr=-1,-2"], 1, "lr"),
        (["--cv", "1"], 2, "--cv"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(run, tmp_path, arguments, code, words):
    result = run("search", *SMALL, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == code
    assert words in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
