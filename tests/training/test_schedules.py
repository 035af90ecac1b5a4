"""Learning rates over a fit."""

import pytest

from sk_fer.training import schedule_callbacks


@pytest.mark.parametrize(
    ("name", "progress", "factors"),
    [
        ("one_cycle", (0, 0.25, 0.625, 1), [0.04, 1.0, 0.5, 0.0]),
        ("cosine", (0, 0.5, 1), [1.0, 0.5, 0.0]),
        ("step", (0.3, 0.4, 0.9), [1.0, 0.1, 0.01]),
    ],
)
def test_factors_of_the_learning_rate(name, progress, factors):
    ((_, callback),) = schedule_callbacks(name, 0.1, 3, validated=False)
    assert [callback.factor(p) for p in progress] == pytest.approx(factors)


def test_no_schedule_needs_no_callback():
    assert schedule_callbacks(None, 0.1, 3, validated=False) == []


@pytest.mark.parametrize(("validated", "monitor"), [(True, "valid_loss"), (False, "train_loss")])
def test_plateau_watches_the_validation_loss_where_there_is_one(validated, monitor):
    ((_, callback),) = schedule_callbacks("plateau", 0.1, 3, validated=validated)
    assert callback.monitor == monitor
