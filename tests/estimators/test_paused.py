"""A fit in parts has the same bits, and a pause is scored at the end of the schedule."""

import numpy as np
import pytest
from sklearn.base import clone

from ..helpers import assert_same_fit, cnn, dense
from .test_resume import FITS


@pytest.fixture(scope="module")
def small(faces):
    """70 faces of 16 x 16 pixels: (X, y)."""
    return faces[0].reshape(-1, 48, 48)[:70, ::3, ::3], faces[1][:70]


def in_parts(model, X, y, n_epochs, **settings):
    """Fit clones of a model, each until one of the epochs, and return the last one."""
    state = None
    for last in n_epochs:
        model = clone(model)
        with model._paused_after(last, state, **settings) as pause:
            model.fit(X, y)
        state = pause.state
    return model


@pytest.mark.parametrize("name", [name for name in FITS if name != "vgg"])
def test_a_fit_in_parts_is_the_same_bit_for_bit(name, small):
    model = FITS[name](None)
    assert_same_fit(in_parts(model, *small, (1, 2, model.max_epochs)), model.fit(*small))


def test_a_fit_in_parts_keeps_its_random_seed(small):
    first, second = dense(random_state=None), dense(random_state=None)
    with first._paused_after(1, None) as pause:
        first.fit(*small)
    with second._paused_after(2, pause.state):
        second.fit(*small)
    assert second._seed == first._seed


def rates(model):
    return model.history_["lr"].tolist()


def test_the_rest_of_the_schedule_follows_a_pause(small):
    """The rates of the last steps: those of the schedule, and then its rest in two epochs."""
    model = dense(max_epochs=16, lr=1.0, lr_schedule="cosine", batch_size=70)
    whole = rates(clone(model).fit(*small))
    paused = in_parts(model, *small, (8,))
    assert rates(paused)[:6] == whole[:6]
    progress = np.array([6 / 16, 11 / 16])  # at the begin of the two epochs, of one step each
    np.testing.assert_allclose(rates(paused)[6:], 0.5 * (1 + np.cos(np.pi * progress)), rtol=1e-6)


@pytest.mark.parametrize("schedule", [None, "one_cycle"])
def test_without_a_cool_down_the_net_is_that_of_the_pause(schedule, small):
    model = dense(max_epochs=4, lr_schedule=schedule)
    share = 0.0 if schedule else 0.25
    paused = in_parts(model, *small, (2,), cool_down=share)
    assert paused.n_epochs_ == 2
    assert rates(paused) == rates(model.fit(*small))[:2]


def test_an_unknown_schedule_falls_to_zero(small):
    model = dense(max_epochs=9, lr=1.0, lr_schedule="plateau", batch_size=70)
    assert rates(in_parts(model, *small, (8,))) == [1.0] * 7 + [0.5]


def test_a_cool_down_has_images_of_the_whole_size(small):
    model = cnn(max_epochs=8, progressive_resizing=True)
    sizes = []
    paused = clone(model)
    with paused._paused_after(4, None):
        paused.fit(*small)
    sizes = paused.net_.resizing
    assert sizes is None


def test_a_training_that_stopped_is_not_cooled_down(small):
    model = FITS["early stopping"](None)
    n_epochs = clone(model).fit(*small).n_epochs_
    assert n_epochs < model.max_epochs - 1
    assert_same_fit(in_parts(model, *small, (model.max_epochs - 1,)), model.fit(*small))


def test_a_pause_leaves_nothing_in_the_estimator(small):
    model = in_parts(dense(), *small, (1,))
    assert "_pause" not in vars(model)
