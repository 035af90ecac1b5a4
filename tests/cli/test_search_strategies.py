"""Candidates, folds and preprocessing of ``sk-fer search``."""

import csv
import re
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import Pipeline

from sk_fer import FERDenseClassifier, load_model
from sk_fer.datasets import make_faces
from sk_fer.preprocessing import HistogramEqualizer

SMALL = ["--model", "dense", "--epochs", "1", "--cv", "2", "--fraction", "0.3"]
GRID = """
lr: {low: 0.001, high: 1e-1, log: true}
dropout: {low: 0.0, high: 0.3, step: 0.1}
hidden_layer_sizes: [[4], "(4, 3)"]
"""


@pytest.fixture
def search(run, tmp_path):
    """Run a search that must succeed, and return its table and its model."""

    def run_search(*arguments, out="out"):
        result = run("search", *arguments, "--out", tmp_path / out)
        assert result.exit_code == 0, result.output
        table = pd.read_csv(tmp_path / out / "search.csv")
        return table, load_model(tmp_path / out / "model.skfer"), result.output

    return run_search


@pytest.fixture
def grid_file(tmp_path):
    pytest.importorskip("yaml", reason="needs sk_fer[yaml]")

    def write(text):
        path = tmp_path / "grid.yaml"
        path.write_text(text)
        return path

    return write


def test_steps_of_preprocessing_are_candidates(search):
    table, model, printed = search(
        *SMALL,
        "--param", "equalize=false,true,adaptive",
        "--param", "hidden_layer_sizes=(4,)",
    )  # fmt: skip
    assert table["param_equalize"].tolist() == [
        "passthrough", "HistogramEqualizer()", "HistogramEqualizer(method='adaptive')",
    ]  # fmt: skip
    assert " s per fit, equalize=False, hidden_layer_sizes=(4,)" in printed
    assert "model__" not in printed + " ".join([*table.columns, *table["params"]])
    best = table.loc[table["rank_test_score"].idxmin(), "param_equalize"]
    if best == "passthrough":
        assert isinstance(model, FERDenseClassifier)
    else:
        assert repr(model["equalize"]) == best


def test_a_step_that_is_in_all_candidates_is_saved(search):
    _, model, _ = search(
        *SMALL, "--param", "equalize__method=adaptive", "--param", "hidden_layer_sizes=(4,)"
    )
    assert isinstance(model, Pipeline)
    assert isinstance(model["equalize"], HistogramEqualizer)
    assert model["equalize"].method == "adaptive"


def test_random_candidates_are_from_the_ranges_of_a_file(search, grid_file):
    file = grid_file(GRID)
    arguments = [*SMALL, "--grid", file, "--strategy", "random", "--n-candidates", 3]
    table, _, printed = search(*arguments)
    assert "Searching 3 candidates" in printed
    assert table["param_lr"].between(0.001, 0.1).all()
    assert set(table["param_dropout"]) <= {0.0, 0.1, 0.2, 0.3}
    assert set(table["param_hidden_layer_sizes"]) <= {"(4,)", "(4, 3)"}
    again, _, _ = search(*arguments, out="again")
    assert again["param_lr"].tolist() == table["param_lr"].tolist()


def test_several_grids_of_a_file(search, grid_file):
    file = grid_file(
        "- {equalize: [true], equalize__method: [global, adaptive], hidden_layer_sizes: [4]}\n"
        "- {equalize: [false], hidden_layer_sizes: [3]}\n"
    )
    table, _, _ = search(*SMALL, "--grid", file)
    assert table["param_hidden_layer_sizes"].tolist() == [4, 4, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lr: [0.1", "is not a grid: while parsing"),
        ("lr: [0.1]\nlr: [0.2]", "lr is there twice"),
        ("lr: 0.1", "lr is 0.1, expected a list of values, such as [0.1], or a range"),
        ("lr: []", "lr is [], expected a list of values"),
        ("- lr", "expected names of parameters with their values"),
        ("lr: {low: 0.1}", "expected low and high, and log or step"),
        ("lr: {low: 0.1, high: 0.01}", "expected low < high"),
        ("lr: {low: 0, high: 1.0, log: true}", "expected low > 0, because log is true"),
        ("lr: {low: 0.1, high: 0.2, step: 0}", "has the step 0, expected a number above 0"),
        (
            "lr: {low: 0.1, high: 0.2}",
            "--strategy: the range of lr has too many values to try all; use --strategy random",
        ),
        ("1: [2]", "got 1, expected the name of a parameter"),
    ],
)
def test_errors_in_a_file_of_a_grid(run, grid_file, text, words):
    result = run("search", "no.csv", *SMALL, "--grid", grid_file(text))
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.replace("│", " ").split())


def test_without_pyyaml_the_error_names_the_extra(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "grid.yaml").write_text(GRID)
    result = run("search", *SMALL, "--grid", tmp_path / "grid.yaml")
    assert result.exit_code == 1
    assert 'pip install ".[yaml]"' in result.stderr


def test_without_optuna_the_error_names_the_extra(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    result = run("search", *SMALL, "--param", "lr=0.1,0.2", "--strategy", "optuna")
    assert result.exit_code == 1
    assert 'pip install ".[optuna]"' in result.stderr


def test_usage_scores_on_the_validation_split_of_the_data(search, tmp_path):
    X, y = make_faces(140, image_size=16, random_state=0)
    usage = ["Training"] * 98 + ["PublicTest"] * 21 + ["PrivateTest"] * 21
    codes = {"angry": 0, "disgust": 1, "fear": 2, "happy": 3, "sad": 4, "surprise": 5, "neutral": 6}
    pixels = [" ".join(map(str, row)) for row in X]
    table = pd.DataFrame({"emotion": map(codes.get, y), "pixels": pixels, "Usage": usage})
    table.to_csv(tmp_path / "fer2013.csv", index=False)
    results, model, printed = search(
        tmp_path / "fer2013.csv", "--model", "dense", "--epochs", 2, "--cv", "usage",
        "--param", "hidden_layer_sizes=(8,)",
    )  # fmt: skip
    assert "on 119 images, 1 fold" in printed
    expected = FERDenseClassifier(**model.get_params()).fit(X[:98], y[:98])
    assert results["split0_test_score"].tolist() == [expected.score(X[98:119], y[98:119])]
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert "so that its score is too high. Score it on the test split, too." in printed


def test_optuna_continues_with_the_same_candidates(run, search, monkeypatch, tmp_path):
    pytest.importorskip("optuna", reason="needs sk_fer[optuna]")
    arguments = [*SMALL, "--param", "lr=0.001,0.003,0.01,0.03", "--param", "hidden_layer_sizes=4"]
    arguments += ["--strategy", "optuna"]
    whole, _, printed = search(*arguments, "--n-candidates", 3, out="whole")
    assert re.search(r"^3 of 3 candidates: 0\.\d+ .* lr=", printed, re.M)
    fit, lrs = FERDenseClassifier.fit, []

    def stop_in_the_second_candidate(self, *args, **kwargs):
        lrs.append(self.lr)
        if len(lrs) == 4:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", stop_in_the_second_candidate)
    stopped = run("search", *arguments, "--n-candidates", 3, "--out", tmp_path / "out")
    assert stopped.exit_code == 130, stopped.output
    with (tmp_path / "out" / "search.csv").open() as file:
        assert [row["n_finished_folds"] for row in csv.DictReader(file)] == ["2", "1"]
    resumed, _, _ = search(*arguments, "--n-candidates", 3, "--resume")
    assert len(lrs) == 4 + (1 + 2) + 1
    for column in ("param_lr", "mean_test_score"):
        assert resumed[column].tolist() == whole[column].tolist()
    more, _, _ = search(*arguments, "--n-candidates", 9, "--resume")
    assert sorted(more["param_lr"]) == [0.001, 0.003, 0.01, 0.03]  # there are no others


def test_a_candidate_of_optuna_that_fails_is_named(run, monkeypatch, tmp_path):
    pytest.importorskip("optuna", reason="needs sk_fer[optuna]")
    fit = FERDenseClassifier.fit

    def fit_some(self, *args, **kwargs):
        if self.dropout == 0.3:
            raise MemoryError("too large")
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", fit_some)
    arguments = [*SMALL, "--param", "dropout=0.1,0.3", "--strategy", "optuna"]
    with (
        pytest.warns(FitFailedWarning, match=r"too large\s+in the candidates dropout=0\.3"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        result = run("search", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "1 of 2 candidates failed in at least one fold" in result.stderr
    assert load_model(tmp_path / "out" / "model.skfer").dropout == 0.1
