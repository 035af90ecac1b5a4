"""Learning rates over a fit."""

import pytest

from sk_fer.training import SCHEDULES, schedule_callbacks


def test_one_cycle_rises_and_falls_to_zero():
    rates = [SCHEDULES["one_cycle"](p) for p in (0, 0.25, 0.625, 1)]
    assert rates == pytest.approx([0.04, 1.0, 0.5, 0.0])


def test_cosine_falls_to_zero():
    assert [SCHEDULES["cosine"](p) for p in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])


def test_step_divides_by_ten_after_each_third():
    assert [SCHEDULES["step"](p) for p in (0.3, 0.4, 0.9)] == pytest.approx([1, 0.1, 0.01])


def test_no_schedule_is_no_callback():
    assert schedule_callbacks(None, 0.1, 3, validated=False) == []


@pytest.mark.parametrize(("validated", "monitor"), [(True, "valid_loss"), (False, "train_loss")])
def test_plateau_watches_the_validation_loss_where_there_is_one(validated, monitor):
    ((_, callback),) = schedule_callbacks("plateau", 0.1, 3, validated=validated)
    assert callback.monitor == monitor
