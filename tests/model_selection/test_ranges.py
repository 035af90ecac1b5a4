"""Ranges of numbers, and candidates drawn from them."""

import math

import numpy as np
import pytest

from sk_fer.model_selection._ranges import Range, draw_candidates


def draw(limits, n=2000):
    rng = np.random.RandomState(0)
    return [limits.rvs(rng) for _ in range(n)]


def test_integers_are_as_likely_at_the_ends():
    values, counts = np.unique(draw(Range(1, 4)), return_counts=True)
    assert values.tolist() == [1, 2, 3, 4]
    assert counts.min() > 400
    assert all(isinstance(number, int) for number in draw(Range(1, 4), 5))


def test_logarithms_are_uniform():
    numbers = draw(Range(0.001, 0.1, log=True))
    assert 0.001 <= min(numbers) < 0.0011
    assert 0.09 < max(numbers) <= 0.1
    assert np.median(numbers) == pytest.approx(0.01, rel=0.15)
    assert set(draw(Range(1, 3, log=True))) == {1, 2, 3}


@pytest.mark.parametrize(
    "ends",
    [
        (0.1, 0.1),
        (2, 1),
        (0, 1, True),
        (math.nan, 1),
        (0, math.inf),
        ("a", 1),
        (True, 2),
        (1, 2, 3),
    ],
)
def test_invalid_ends(ends):
    with pytest.raises(ValueError, match="expected"):
        Range(*ends)


def test_candidates_are_drawn_once_each():
    grid = {"lr": [0.1, 0.2], "dropout": [0.1, 0.2, 0.3]}
    drawn = draw_candidates([grid], 4, 0)
    assert len({tuple(sorted(each.items())) for each in drawn}) == 4
    assert drawn == draw_candidates([grid], 4, 0)
    assert drawn != draw_candidates([grid], 4, 1)
    assert len(draw_candidates([grid], 100, 0)) == 6
    assert len(draw_candidates([{**grid, "lr": Range(0.1, 0.2)}], 7, 0)) == 7
