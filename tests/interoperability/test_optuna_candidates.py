"""Candidates that Optuna proposes, and that it proposes again after an interruption."""

import math

import pytest

from sk_fer.model_selection._optuna_candidates import OptunaCandidates
from sk_fer.model_selection._ranges import Range

pytest.importorskip("optuna", reason="needs sk_fer[optuna]")

GRID = [{"lr": Range(0.001, 1.0, log=True), "sizes": [(8,), (4, 4)], "epochs": Range(1, 5)}]


def score(candidate):
    return -abs(math.log(candidate["lr"] / 0.05))


def search(file, n_candidates, *, stop_at=None):
    study = OptunaCandidates(file, GRID, random_state=0)
    candidates = study.finished()
    while len(candidates) < n_candidates:
        ((number, candidate),) = study.propose(1)
        if len(candidates) == stop_at:
            break  # the trial stays without a score, as if the process was killed
        study.tell(number, score(candidate), candidate)
        candidates.append(candidate)
    return candidates


def test_a_study_that_was_stopped_continues_with_the_same_candidates(tmp_path):
    whole = search(tmp_path / "whole.db", 12)
    assert search(tmp_path / "study.db", 12, stop_at=4) == whole[:4]
    assert search(tmp_path / "study.db", 12) == whole
    assert all(0.001 <= each["lr"] <= 1 and each["epochs"] in range(1, 6) for each in whole)
    assert {each["sizes"] for each in whole} == {(8,), (4, 4)}


def test_each_candidate_of_several_grids_is_proposed_once(tmp_path):
    grids = [{"x": [1, 2]}, {"x": [3], "y": [True, None]}]
    study = OptunaCandidates(tmp_path / "study.db", grids, random_state=0)
    seen = []
    while proposed := study.propose(3):
        for number, candidate in proposed:
            study.tell(number, math.nan if candidate["x"] == 2 else 1.0, candidate)
            seen.append(candidate)
    expected = [{"x": 1}, {"x": 2}, {"x": 3, "y": None}, {"x": 3, "y": True}]
    assert sorted(seen, key=repr) == expected
    again = OptunaCandidates(tmp_path / "study.db", grids, random_state=0)
    assert sorted(again.finished(), key=repr) == [expected[0], *expected[2:]]  # without the failed
