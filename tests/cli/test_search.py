import csv
import re
from functools import wraps

import pytest
from sklearn.exceptions import FitFailedWarning

from sk_fer import FERDenseClassifier, load_model
from sk_fer._utils._folder_lock import lock_folder
from sk_fer.datasets import make_faces
from sk_fer.estimators import _split

SMALL = ["--model", "dense", "--epochs", "1", "--cv", "2"]
TWO_SIZES = ["--param", "hidden_layer_sizes=(8,),(16,)"]


def read_results(folder):
    with (folder / "search.csv").open() as file:
        return list(csv.DictReader(file))


def count(fit, fitted):
    """Return a function that fits a classifier and adds it to a list."""

    @wraps(fit)
    def fit_and_count(self, *args, **kwargs):
        fitted.append(self)
        return fit(self, *args, **kwargs)

    return fit_and_count


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
    assert "Validation: accuracy" in result.output
    with (out / "search.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["param_hidden_layer_sizes"] for row in rows} == {"(8,)", "(16,)"}
    best = min(rows, key=lambda row: int(row["rank_test_score"]))
    assert f"hidden_layer_sizes={best['param_hidden_layer_sizes']}" in result.output
    model = load_model(out / "model.skfer")
    assert str(model.hidden_layer_sizes) == best["param_hidden_layer_sizes"]


@pytest.mark.filterwarnings("ignore:One or more of the .* scores are non-finite")
@pytest.mark.parametrize("strategy", ["grid", "halving"])
def test_a_candidate_that_fails_leaves_the_others(run, tmp_path, monkeypatch, strategy):
    fit = FERDenseClassifier.fit

    def fit_some(self, *args, **kwargs):
        if self.dropout == 0.3:
            raise MemoryError("too large")
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", fit_some)
    out = tmp_path / "out"
    arguments = [
        *SMALL,
        "--strategy",
        strategy,
        "--param",
        "dropout=0.3,0.1",
        "--fraction",
        0.3,
        "--out",
        out,
    ]
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


@pytest.fixture
def interrupted(run, tmp_path, monkeypatch):
    """The folder of a search that Ctrl-C ended in its fourth fit, and the result."""
    fit, fitted = FERDenseClassifier.fit, []

    @wraps(fit)
    def fit_three(self, *args, **kwargs):
        fitted.append(self)
        if len(fitted) == 4:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(FERDenseClassifier, "fit", fit_three)
        result = run("search", *SMALL, *TWO_SIZES, "--out", tmp_path / "out")
    return tmp_path / "out", result


def test_an_interruption_leaves_the_scores_of_the_fits_before_it(interrupted):
    out, result = interrupted
    assert result.exit_code == 130, result.output
    assert f"Interrupted: wrote the scores so far to {out / 'search.csv'}" in result.output
    assert sorted(path.name for path in out.iterdir()) == ["fits", "search.csv"]
    assert re.search(r"seconds per fit .*folds .*parameters", result.output)
    rows = read_results(out)
    assert {row["params"] for row in rows} == {
        "hidden_layer_sizes=(8,)",
        "hidden_layer_sizes=(16,)",
    }
    assert sorted(row["n_finished_folds"] for row in rows) == ["1", "2"]
    assert all(0 <= float(row["mean_test_score"]) <= 1 for row in rows)


def test_resume_does_not_repeat_finished_fits(run, interrupted, tmp_path, monkeypatch):
    out, _ = interrupted
    fitted = []
    monkeypatch.setattr(FERDenseClassifier, "fit", count(FERDenseClassifier.fit, fitted))
    result = run("search", *SMALL, *TWO_SIZES, "--out", out, "--resume")
    assert result.exit_code == 0, result.output
    assert len(fitted) == 1 + 1  # the fit that was interrupted, and that of the best candidate
    whole = run("search", *SMALL, *TWO_SIZES, "--out", tmp_path / "whole")
    assert whole.exit_code == 0, whole.output
    resumed, expected = (read_results(folder) for folder in (out, tmp_path / "whole"))
    assert [row["mean_test_score"] for row in resumed] == [
        row["mean_test_score"] for row in expected
    ]


def test_halving_continues_after_an_interruption(run, tmp_path, monkeypatch):
    fit, fitted = FERDenseClassifier.fit, []

    @wraps(fit)
    def stop_once(self, *args, **kwargs):
        fitted.append(self)
        if len(fitted) == 8:  # after three candidates and the first fold of the best one
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(FERDenseClassifier, "fit", stop_once)
    arguments = [*SMALL, "--epochs", 3, "--strategy", "halving", "--param", "lr=0.001,0.01,0.05"]
    arguments += ["--param", "hidden_layer_sizes=(8,)"]
    stopped = run("search", *arguments, "--out", tmp_path / "out")
    assert stopped.exit_code == 130, stopped.output
    rows = read_results(tmp_path / "out")
    assert [row["n_resources"] for row in rows] == ["1", "1", "1", "3"]
    assert [row["n_finished_folds"] for row in rows] == ["2", "2", "2", "1"]
    fitted.clear()
    monkeypatch.setattr(FERDenseClassifier, "fit", count(fit, fitted))
    for folder, n_fits in (("out", 1 + 1), ("whole", 6 + 2 + 1)):
        result = run("search", *arguments, "--out", tmp_path / folder, "--resume")
        assert result.exit_code == 0, result.output
        assert len(fitted) == n_fits
        fitted.clear()
    resumed, expected = (read_results(tmp_path / folder) for folder in ("out", "whole"))
    for column in ("param_lr", "n_resources", "mean_test_score"):
        assert [row[column] for row in resumed] == [row[column] for row in expected]
    assert load_model(tmp_path / "out" / "model.skfer").max_epochs == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (TWO_SIZES, "contains an earlier search; use --resume to continue it, or --force"),
        (
            [*TWO_SIZES[:-1], "hidden_layer_sizes=(8,),(9,)", "--resume"],
            "(--force instead of --resume starts again, --out chooses another folder)",
        ),
        ([*TWO_SIZES, "--seed", 1, "--resume"], "is of another search: "),
    ],
)
def test_resume_of_another_search_is_refused(run, interrupted, arguments, words):
    out, _ = interrupted
    result = run("search", *SMALL, *arguments, "--out", out)
    assert result.exit_code == 1
    assert words in result.stderr
    assert (out / "fits").exists()


def test_force_does_not_remove_the_fits_of_a_search_that_runs(run, interrupted):
    out, _ = interrupted
    with lock_folder(out / "fits"):
        result = run("search", *SMALL, *TWO_SIZES, "--out", out, "--force")
    assert result.exit_code == 1
    assert "two runs cannot share a folder" in result.stderr
    assert (out / "fits" / "fits.jsonl").exists()


def test_a_best_score_that_is_that_of_the_most_frequent_class(run, tmp_path, monkeypatch):
    def predict(self, X):
        return self.classes_[[0] * len(X)]

    monkeypatch.setattr(FERDenseClassifier, "predict", predict)
    arguments = ["--param", "hidden_layer_sizes=(4,)", "--fraction", 0.5, "--out", tmp_path / "out"]
    result = run("search", *SMALL, *arguments)
    assert result.exit_code == 0, result.output
    words = "the best accuracy, 14.3%, is not clearly better than 14.3%, that of always predicting"
    assert f"sk-fer: warning: {words}" in result.stderr


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
    assert sorted(path.name for path in out.iterdir()) == ["fits", "search.csv"]


def test_candidates_that_cannot_be_fitted_are_refused_before_the_data_is_read(run, tmp_path):
    result = run("search", "no.csv", *SMALL, "--param", "dropout=0.1,3", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "The 'dropout' parameter of FERDenseClassifier" in result.stderr


@pytest.mark.parametrize("strategy", ["grid", "halving"])
def test_validation_images_of_each_fit_are_of_other_people(
    run, save_images, tmp_path, monkeypatch, strategy
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
    arguments = [*SMALL, "--strategy", strategy, "--param", "hidden_layer_sizes=(4,),(8,)"]
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
        (["--param", "lr=0.1", "--param", "lr=0.2"], 2, "got lr twice, expected once"),
        (["--param", "lr=-1,-2"], 2, "lr"),
        (["--cv", "1"], 2, "--cv"),
        (["--cv", "25"], 1, "n_splits=25 cannot be greater than the number of members"),
        (["--n-jobs", "0"], 2, "got 0, expected the number of fits"),
        (["--param", "optimizer=sgd,foo"], 2, "The 'optimizer' parameter"),
        (["--param", "equalize__methd=global"], 2, "the nearest name is 'equalize__method'"),
        (["--param", "equalize=local"], 2, "The 'method' parameter of HistogramEqualizer"),
        (["--param", "droput=0.1"], 2, "the nearest name is 'dropout'"),
        (["--cv", "subject"], 1, "does not name the people"),
        (["--cv", "usage"], 1, "has no training and validation split of its own"),
        (["--cv", "people"], 2, "expected usage, subject, subject:K or K"),
        (["--n-candidates", "3"], 2, "a grid has all its candidates"),
        (["no.csv", "--param", "augment={'flop': 1}"], 2, "augment has 'flop'"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(run, tmp_path, arguments, code, words):
    result = run("search", *SMALL, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == code
    assert words in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
