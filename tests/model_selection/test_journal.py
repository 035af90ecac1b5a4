"""The journal of finished fits."""

import errno
import json
import math
import os
from copy import deepcopy

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_fer.model_selection._journal import FITS, SEARCH, open_journal
from sk_fer.model_selection._search_description import describe_search
from sk_fer.preprocessing import HistogramEqualizer
from tests.helpers import dense

X = np.arange(12, dtype=np.uint8).reshape(6, 2)
Y = np.array(["happy", "sad"] * 3)


class Scorer:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, estimator, X, y):
        return self.factor


FOLDS = [(np.arange(3), np.arange(3, 6)), (np.arange(3, 6), np.arange(3))]
MODEL = make_pipeline(HistogramEqualizer(), dense())
CANDIDATES = [{"ferdenseclassifier__lr": 0.1}, {"ferdenseclassifier__lr": 0.2}]
RESULT = {"fit_error": None, "test_scores": 1 / 3, "n_test_samples": 3, "fit_time": 0.1}


def described(model=MODEL, candidates=CANDIDATES, X=X, y=Y, folds=FOLDS, scoring=None, **settings):
    return describe_search(model, candidates, X, y, folds, scoring=scoring, **settings)


def test_results_are_read_back_exactly(tmp_path):
    with open_journal(tmp_path, described()) as journal:
        journal.add([(CANDIDATES[0], 1, RESULT)])
        several = RESULT | {"test_scores": {"a": 0.25, "b": 1.0}}
        journal.add([(CANDIDATES[0], 1, several)], n_epochs=3)
    with open_journal(tmp_path, described()) as journal:
        assert len(journal) == 2
        assert journal.find(CANDIDATES[0], 1) == RESULT
        assert journal.find(dict(CANDIDATES[0]), 1, n_epochs=3)["test_scores"]["a"] == 0.25
        assert journal.find(CANDIDATES[0], 0) is None
        assert journal.find(CANDIDATES[1], 1) is None


def test_failed_fits_are_not_finished(tmp_path):
    with open_journal(tmp_path, described()) as journal:
        for failed in (
            {"fit_error": "Traceback", "test_scores": 0.0},
            {"test_scores": {"a": 1.0, "b": math.nan}},
            {"test_scores": np.float32(-1)},  # of a scorer that failed
            {"train_scores": -1},
        ):
            journal.add([(CANDIDATES[0], 0, RESULT | failed)], error_score=np.float32(-1))
        assert len(journal) == 0


def test_a_line_that_was_not_finished_is_removed(tmp_path):
    with open_journal(tmp_path, described()) as journal:
        journal.add([(CANDIDATES[0], 0, RESULT)])
    with (tmp_path / FITS).open("a") as file:
        file.write('{"fit": "')
    with open_journal(tmp_path, described()) as journal:
        assert len(journal) == 1
        journal.add([(CANDIDATES[0], 1, RESULT)])
    with open_journal(tmp_path, described()) as journal:
        assert len(journal) == 2


def test_fits_of_an_unknown_search_are_refused(tmp_path):
    with open_journal(tmp_path, described()) as journal:
        journal.add([(CANDIDATES[0], 0, RESULT)])
    for damaged in ("", "[]", '{"candidates'):
        (tmp_path / SEARCH).write_text(damaged)
        with (
            pytest.raises(ValueError, match=r"search.json is damaged, .* use another folder"),
            open_journal(tmp_path, described()),
        ):
            pass
    (tmp_path / SEARCH).unlink()
    with (
        pytest.raises(ValueError, match=r"has fits.jsonl, and not the file search.json"),
        open_journal(tmp_path, described()),
    ):
        pass


def test_the_error_of_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_journal(tmp_path, described()) as journal:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device: .*fits\.jsonl"):
            journal.add([(CANDIDATES[0], 0, RESULT)])


def test_a_line_that_is_no_result_is_named(tmp_path):
    with open_journal(tmp_path, described()):
        (tmp_path / FITS).write_text('{"fit": 1}\n')
    with (
        pytest.raises(ValueError, match=r"line 1 of .*fits.jsonl is not the result of a fit"),
        open_journal(tmp_path, described()),
    ):
        pass


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"model": make_pipeline(HistogramEqualizer(), dense(max_epochs=9))},
            "ferdenseclassifier__max_epochs was 2 and is 9",
        ),
        (
            {"model": make_pipeline(HistogramEqualizer("adaptive"), dense())},
            "histogramequalizer__method was 'global' and is 'adaptive'",
        ),
        ({"model": dense()}, "estimator was 'Pipeline' and is 'FERDenseClassifier'"),
        (
            {"candidates": [*CANDIDATES, {"ferdenseclassifier__lr": 0.3}]},
            "the candidate ferdenseclassifier__lr=0.3 is new",
        ),
        ({"candidates": CANDIDATES[:1]}, "the candidate ferdenseclassifier__lr=0.2 is missing"),
        ({"X": X + 1}, "X differs"),
        ({"y": Y[::-1].copy()}, "y differs"),
        ({"folds": FOLDS[::-1]}, "cv differs"),
        ({"scoring": "f1_macro"}, "scoring was None and is f1_macro"),
        ({"groups": [1, 2]}, r"groups was not there and is \[1, 2\]"),
    ],
)
def test_another_search_is_refused_with_the_difference(tmp_path, changed, message):
    with open_journal(tmp_path, described()):
        pass
    with (
        pytest.raises(ValueError, match=f"is of another search: .*{message}"),
        open_journal(tmp_path, described(**changed)),
    ):
        pass


def test_equal_searches_have_equal_descriptions():
    def scorer(estimator, X, y):
        return 0.0

    several = ["accuracy", "f1_macro"]
    for scoring in ("accuracy", make_scorer(accuracy_score), scorer, Scorer(2), several):
        first, second = (described(scoring=deepcopy(scoring), X=X.copy()) for _ in range(2))
        assert json.dumps(first) == json.dumps(second)
    assert described(scoring=Scorer(2)) != described(scoring=Scorer(3))
    quiet, loud = (described(make_pipeline(dense(verbose=v))) for v in (0, 1))
    assert quiet == loud


def test_another_version_gives_a_warning(tmp_path):
    with open_journal(tmp_path, described()):
        pass
    text = (tmp_path / SEARCH).read_text()
    there = json.loads(text)
    there["versions"]["torch"] = "1.0"
    (tmp_path / SEARCH).write_text(json.dumps(there))
    with (
        pytest.warns(UserWarning, match=r"were made with torch 1.0 \(now "),
        open_journal(tmp_path, described()),
    ):
        pass


def test_a_candidate_that_cannot_be_identified_is_named():
    with pytest.raises(ValueError, match=r"the candidate f=<function .* cannot have a journal"):
        described(candidates=[{"f": lambda: 0}])


def test_a_step_that_cannot_be_compared_with_that_of_the_journal_is_named():
    model = make_pipeline(FunctionTransformer(lambda X: X / 2), dense())
    with pytest.raises(ValueError, match=r"functiontransformer__func=<function .* use a function"):
        described(model)


def test_two_searches_cannot_share_a_folder(tmp_path):
    with (
        open_journal(tmp_path, described()),
        pytest.raises(BlockingIOError, match="two runs cannot share a folder"),
        open_journal(tmp_path, described()),
    ):
        pass
