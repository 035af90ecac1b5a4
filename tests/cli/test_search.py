import csv
import re
from functools import wraps

import pytest
from sklearn.exceptions import FitFailedWarning

from sk_fer import FERDenseClassifier, load_model
from sk_fer.datasets import make_faces
from sk_fer.estimators import _split

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


def test_halving_trains_the_best_for_more_epochs(run, tmp_path):
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


@pytest.mark.filterwarnings("ignore:One or more of the .* scores are non-finite")
@pytest.mark.parametrize("halving", [[], ["--halving"]])
def test_a_candidate_that_fails_leaves_the_others(run, tmp_path, monkeypatch, halving):
    fit = FERDenseClassifier.fit

    def fit_some(self, *args, **kwargs):
        if self.dropout == 0.3:
            raise MemoryError("too large")
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", fit_some)
    out = tmp_path / "out"
    arguments = [*SMALL, *halving, "--param", "dropout=0.3,0.1", "--fraction", 0.3, "--out", out]
    with pytest.warns(FitFailedWarning, match="too large"):
        result = run("search", *arguments)
    assert result.exit_code == 1
    assert re.search("[12] of [23] candidates failed in at least one fold", result.stderr)
    assert re.search(r" failed +- .*dropout=0\.3", result.output)
    assert load_model(out / "model.skfer").dropout == 0.1
    with (out / "search.csv").open() as file:
        scores = {row["param_dropout"]: row["mean_test_score"] for row in csv.DictReader(file)}
    assert scores["0.3"] == ""
    assert float(scores["0.1"]) > 0


@pytest.mark.parametrize("halving", [[], ["--halving"]])
def test_an_interruption_leaves_the_scores_of_the_fits_before_it(
    run, tmp_path, monkeypatch, halving
):
    fit, fitted = FERDenseClassifier.fit, []

    @wraps(fit)
    def fit_three(self, *args, **kwargs):
        fitted.append(self)
        if len(fitted) == 4:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", fit_three)
    out = tmp_path / "out"
    result = run(
        "search", *SMALL, *halving, "--param", "hidden_layer_sizes=(8,),(16,)", "--out", out
    )
    assert result.exit_code == 130, result.output
    assert f"Interrupted: wrote the scores so far to {out / 'search.csv'}" in result.output
    assert [path.name for path in out.iterdir()] == ["search.csv"]
    printed = re.findall(r"Accuracy (.*)% after .* s, hidden_layer_sizes=(.*)\n", result.output)
    assert [sizes for _, sizes in printed] == ["(8,)", "(8,)", "(16,)"]
    with (out / "search.csv").open() as file:
        first, second = list(csv.DictReader(file))
    assert re.search(r"seconds per fit .*folds .*parameters", result.output)
    assert first["params"] == "hidden_layer_sizes=(8,)"
    assert (first["n_finished_folds"], second["n_finished_folds"]) == ("2", "1")
    mean = (float(printed[0][0]) + float(printed[1][0])) / 200
    assert float(first["mean_test_score"]) == pytest.approx(mean, abs=1e-3)
    assert float(second["mean_test_score"]) == pytest.approx(float(printed[2][0]) / 100, abs=1e-3)


def test_an_interruption_of_the_first_fit_writes_nothing(run, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(FERDenseClassifier, "fit", interrupt)
    result = run("search", *SMALL, "--param", "lr=0.1,0.2", "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert not (tmp_path / "out").exists()


def test_the_candidates_are_in_the_file_if_the_last_fit_fails(run, tmp_path, monkeypatch):
    fit = FERDenseClassifier.fit

    def fit_few(self, X, *args, **kwargs):
        if len(X) > 30:
            raise MemoryError("too large")
        return fit(self, X, *args, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", fit_few)
    out = tmp_path / "out"
    result = run("search", *SMALL, "--param", "dropout=0.3,0.1", "--fraction", 0.3, "--out", out)
    assert result.exit_code == 1
    assert "too large" in result.stderr
    assert [path.name for path in out.iterdir()] == ["search.csv"]


def test_candidates_that_cannot_be_fitted_are_refused_before_the_data_is_read(run, tmp_path):
    result = run("search", "no.csv", *SMALL, "--param", "dropout=0.1,3", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "The 'dropout' parameter of FERDenseClassifier" in result.stderr


@pytest.mark.parametrize("halving", [[], ["--halving"]])
def test_validation_images_of_each_fit_are_of_other_people(
    run, save_images, tmp_path, monkeypatch, halving
):
    X, y = make_faces(84, random_state=0)
    names = [f"S{100 + i // 7:03d}_{i % 7:03d}_{i:08d}.png" for i in range(84)]
    save_images(X, map((tmp_path / "faces").joinpath, y, names))
    split_groups, fit = _split.split_groups, FERDenseClassifier.fit
    validated, fitted = [], []

    def split(labels, groups, *arguments):
        train, valid = split_groups(labels, groups, *arguments)
        validated.append(set(groups[train]).isdisjoint(groups[valid]))
        return train, valid

    @wraps(fit)
    def fit_and_count(self, *arguments, **kwargs):
        fitted.append(self.validation_fraction)
        return fit(self, *arguments, **kwargs)

    monkeypatch.setattr(_split, "split_groups", split)
    monkeypatch.setattr(FERDenseClassifier, "fit", fit_and_count)
    arguments = [*SMALL, *halving, "--param", "hidden_layer_sizes=(4,),(8,)"]
    result = run("search", tmp_path / "faces", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert fitted == [0.1] * 5  # of two candidates in two folds, and of the best
    assert validated == [True] * 5


def test_real_folds_keep_subjects_together(run, data_folder, tmp_path):
    result = run(
        "search", data_folder / "CK+48", *SMALL, "--param", "hidden_layer_sizes=(8,)",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "without a common subject" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--param", "speed=1,2"], 2, "has no parameter 'speed'"),
        (["--param", "lr"], 2, "expected NAME=VALUE"),
        (["--param", "lr=-1,-2"], 2, "lr"),
        (["--cv", "1"], 2, "--cv"),
        (["--cv", "25"], 1, "n_splits=25 cannot be greater than the number of members"),
        (["--n-jobs", "0"], 2, "got 0, expected the number of fits"),
        (["--param", "optimizer=sgd,foo"], 2, "The 'optimizer' parameter"),
        (["no.csv", "--param", "augment={'flop': 1}"], 2, "augment has 'flop'"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(run, tmp_path, arguments, code, words):
    result = run("search", *SMALL, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == code
    assert words in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
