"""The trained part depends on the epoch of the fit."""

from types import SimpleNamespace

import pytest

from sk_fer.training import Unfreezing


class Network:
    def train_only(self, part, *, freeze_batch_norm):
        self.part = part, freeze_batch_norm


def run(callback, n_epochs, history):
    """Return what learns in the epochs of a fit; the history has the epoch that runs."""
    network = Network()
    parts = []
    net = SimpleNamespace(history=history, module_=SimpleNamespace(network=network))
    callback.on_train_begin(net)
    for _ in range(n_epochs):
        history.append({})
        callback.on_epoch_begin(net)
        parts.append(network.part)
    return parts


@pytest.mark.parametrize("frozen", [False, True])
def test_each_part_from_its_epoch_on(frozen):
    callback = Unfreezing({8: "all", 1: "head", 4: "last_stage"}, frozen)
    parts = run(callback, 9, history=[])
    assert parts == [(p, frozen) for p in ["head"] * 3 + ["last_stage"] * 4 + ["all"] * 2]


def test_each_fit_starts_at_epoch_one():
    callback = Unfreezing({1: "head", 2: "all"}, False)
    history = [{}] * 5
    assert [part for part, _ in run(callback, 2, history)] == ["head", "all"]
    assert [part for part, _ in run(callback, 2, history)] == ["head", "all"]
