from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from .. import helpers


class Spoil(Callback):
    """Make a weight infinite before a batch, or after the last one."""

    def __init__(self, epoch, batch):
        self.epoch = epoch
        self.batch = batch

    def on_epoch_begin(self, net, **kwargs):
        self.batches = 0

    def on_batch_end(self, net, training, **kwargs):
        self.batches += training
        if (len(net.history), self.batches) == (self.epoch, self.batch):
            with torch.no_grad():
                next(net.module_.parameters())[0] = torch.inf


dense = partial(helpers.dense, lr=0.01, lr_schedule=None, batch_size=70)


@pytest.mark.parametrize(("spoilt_after", "named"), [(1, 2), (3, 4), (4, 4)])
def test_the_epoch_the_batch_and_the_rate_are_named(faces, spoilt_after, named):
    X, y = faces
    good = dense(max_epochs=2).fit(X, y)
    model = dense(max_epochs=5, callbacks=[Spoil(3, spoilt_after)])
    words = f"in epoch 3, batch {named} of 4, at a learning rate of 0.01; lower lr"
    with pytest.raises(ValueError, match=words):
        model.fit(X, y)
    assert model.n_epochs_ == 2
    np.testing.assert_array_equal(model.predict_proba(X), good.predict_proba(X))


def test_training_can_go_on_from_the_weights_that_are_kept(faces):
    X, y = faces
    model = dense(max_epochs=2, callbacks=[Spoil(2, 1)])
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X, y)
    model.set_params(callbacks=None).partial_fit(X, y)
    assert model.n_epochs_ == 2
    assert np.isfinite(model.history_["train_loss"]).all()


def test_a_rate_that_is_too_high(faces):
    model = dense(lr=1e30, optimizer="sgd", max_epochs=3)
    with pytest.raises(ValueError, match="the training diverged: the loss is"):
        model.fit(*faces)
    assert np.isfinite(model.predict_proba(faces[0])).all()
    assert model.n_epochs_ == 0


def test_an_epoch_broken_off_in_its_validation_is_none(faces):
    X, y = faces

    class BreakOff(Callback):
        def on_batch_begin(self, net, training=False, **kwargs):
            if not training and len(net.history) == 2:
                raise TimeoutError

    model = dense(max_epochs=3, validation_fraction=0.2, callbacks=[BreakOff()])
    with pytest.raises(TimeoutError):
        model.fit(X, y)
    assert model.n_epochs_ == 1
    assert model.history_.notna().all(axis=None)
