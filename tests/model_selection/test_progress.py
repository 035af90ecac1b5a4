import io
import re

import numpy as np
import pytest
from rich.console import Console

from sk_fer.datasets import make_faces
from sk_fer.model_selection import FERGridSearchCV, FERHalvingSearchCV
from sk_fer.model_selection._progress import SearchProgress
from tests.helpers import dense


def result(score, seconds=1.0, error=None):
    return {"test_scores": score, "fit_time": seconds, "fit_error": error}


def terminal(width=120):
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)


def shown(console):
    """Return the lines on a terminal, without its control codes."""
    text = re.sub("\x1b.*?[A-Za-z]", "", console.file.getvalue())
    return [line for line in re.split("[\r\n]+", text) if line.strip()]


def test_a_line_for_each_candidate_whose_folds_are_finished(capsys):
    with SearchProgress(1, n_fits=6) as progress:
        progress.begin([{"lr": 0.1}, {"lr": 0.2}, {"lr": 9.0}], 2)
        progress.finished(0, 0, result(0.5, 1.0))
        progress.finished(1, 0, result(0.7))
        assert capsys.readouterr().out == ""
        progress.finished(1, 1, result(0.9))
        progress.finished(2, 0, result(np.nan, error="ValueError"))
        progress.finished(2, 1, result(np.nan))
        progress.finished(0, 1, result(0.6, 3.0))
    assert capsys.readouterr().out.splitlines() == [
        "1 of 3 candidates: 0.800 +/- 0.100, 1.0 s per fit, lr=0.2, the best so far",
        "2 of 3 candidates: failed, 1.0 s per fit, lr=9.0",
        "3 of 3 candidates: 0.550 +/- 0.050, 2.0 s per fit, lr=0.1",
    ]


def test_a_line_for_each_fold_before_a_candidate_is_finished(capsys):
    with SearchProgress(1, n_fits=6) as progress:
        progress.begin([{"lr": 0.1}, {"lr": 0.2}], 3)
        for fold in range(2):
            progress.finished(0, fold, result(0.5))
            progress.finished(1, fold, result(0.6))
    assert capsys.readouterr().out.splitlines() == [
        "0/2 candidates, 2/6 fits, best 0.600 on 1 of 3 folds: lr=0.2",
        "0/2 candidates, 4/6 fits, best 0.600 on 2 of 3 folds: lr=0.2",
    ]


def test_scores_of_several_rounds_are_not_compared(capsys):
    with SearchProgress(1, n_fits=3, total=1 + 1 + 3) as progress:
        progress.begin([{}, {"lr": 0.1}], 1, title="1 epoch")
        progress.finished(0, 0, result(0.8))
        progress.finished(1, 0, result(0.5))
        progress.begin([{}], 1, title="4 epochs", weight=3)
        progress.finished(0, 0, result(0.4))
    first, _, last = capsys.readouterr().out.splitlines()
    assert first.startswith("1 epoch: 1 of 2 candidates: 0.800")
    assert last.startswith("4 epochs: 1 of 1 candidates: 0.400")
    assert last.endswith("defaults, the best so far")


def test_one_bar_on_a_terminal(capsys):
    console = terminal()
    with SearchProgress(1, n_fits=5, total=2 + 2 + 6, console=console) as progress:
        progress.begin([{"lr": 0.1}, {"lr": 0.2}], 2)
        for candidate, fold, score in ((0, 0, 0.5), (1, 0, 0.6), (0, 1, 0.7)):
            progress.finished(candidate, fold, result(score))
        progress.bar.refresh()
        last = shown(console)[-1]
        assert "1/2 candidates, 3/5 fits" in last
        assert "30%" in last
        assert re.search(r"\d:\d\d|-:--", last)
        assert "best 0.600: lr=0.1" in last
        progress.finished(1, 1, result(0.9))
        progress.begin([{"lr": 0.2}], 1, title="9 epochs", weight=6)
        progress.finished(0, 0, result(0.8))
    last = shown(console)[-1]
    assert "9 epochs: 1/1 candidates, 5/5 fits" in last
    assert "100%" in last
    assert "best 0.800: lr=0.2" in last
    assert capsys.readouterr().out == ""


def test_long_parameters_do_not_break_the_bar():
    console = terminal(width=90)
    with SearchProgress(1, n_fits=1, console=console) as progress:
        progress.begin([{"hidden_layer_sizes": tuple(range(50))}], 1)
        progress.finished(0, 0, result(0.5))
    assert all(len(line) <= 90 for line in shown(console))
    assert "1/1 fits" in shown(console)[-1]


@pytest.mark.parametrize("console", [None, terminal()])
def test_nothing_is_printed_without_verbose(console, capsys):
    with SearchProgress(0, n_fits=1, console=console) as progress:
        progress.begin([{}], 1)
        progress.finished(0, 0, result(0.5))
    assert capsys.readouterr().out == ""
    assert console is None or console.file.getvalue() == ""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search(n_jobs, capsys):
    X, y = make_faces(70, image_size=16, random_state=0)
    search = FERGridSearchCV(
        dense(max_epochs=1),
        {"lr": [0.001, 0.01]},
        cv=2,
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        verbose=1,
        n_jobs=n_jobs,
    ).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if " candidates: " in line]
    assert len(lines) == 2
    means = search.cv_results_["mean_test_f1_macro"]
    for rate, mean in zip((0.001, 0.01), means, strict=True):
        assert any(f"{mean:.3f} +/-" in line and f"lr={rate}" in line for line in lines)
    search.set_params(verbose=0, n_jobs=1).fit(X, y)
    assert capsys.readouterr().out == ""


def test_a_search_by_halving(capsys, monkeypatch):
    X, y = make_faces(70, image_size=16, random_state=0)
    done = []
    monkeypatch.setattr(
        SearchProgress, "__exit__", lambda self, *_: done.append((self.n_finished, self.share))
    )
    search = FERHalvingSearchCV(
        dense(max_epochs=3), {"lr": [0.001, 0.01, 0.1]}, cv=2, verbose=1, refit=False
    ).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if " candidates: " in line]
    assert [line.split(" +/-")[0] for line in lines] == [
        f"{epochs} epoch{'s' * (epochs > 1)}: {number} of {n} candidates: {mean:.3f}"
        for (epochs, number, n), mean in zip(
            [(1, 1, 3), (1, 2, 3), (1, 3, 3), (3, 1, 1)],
            search.cv_results_["mean_test_score"],
            strict=True,
        )
    ]
    assert done == [(8, 100 / (6 * 1 + 2 * 2))]
