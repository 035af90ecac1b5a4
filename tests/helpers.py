"""Classifiers that train quickly, and a callback that ends a fit."""

import signal

import torch
from skorch.callbacks import Callback

from sk_fer import FERCNNClassifier, FERDenseClassifier, FERPretrainedClassifier

QUICK = {"max_epochs": 2, "random_state": 0, "device": "cpu"}


def dense(**parameters):
    """Return a dense classifier of 8 units."""
    return FERDenseClassifier(**{"hidden_layer_sizes": (8,), **QUICK, **parameters})


def cnn(**parameters):
    """Return the smallest convolutional classifier, or that of `architecture`."""
    return FERCNNClassifier(**{"architecture": "sequential", **QUICK, **parameters})


def pretrained(backbone="fast", **parameters):
    """Return a classifier over a backbone with random weights, in float32."""
    settings = {
        "weights": None,
        "input_size": None if backbone in ("fast", "accurate") else 32,
        "batch_size": 16,
        "augment": None,
        "precision": "float32",
    }
    return FERPretrainedClassifier(backbone, **{**QUICK, **settings, **parameters})


class Stop(Callback):
    """Raise an error, or send a signal, the n-th time that a moment of a fit comes."""

    def __init__(self, reason, moment="on_batch_end", n=1):
        self.reason = reason
        self.n = n
        setattr(self, moment, self.count)

    def on_train_begin(self, net, **kwargs):
        self.left_ = self.n

    def count(self, net, **kwargs):
        self.left_ -= 1
        if self.left_ == 0:
            if not isinstance(self.reason, signal.Signals):
                raise self.reason
            signal.raise_signal(self.reason)


def assert_same_fit(model, other):
    """Check that two fitted classifiers have the same weights and histories, to the bit."""
    weights, others = (m.net_.module_.state_dict() for m in (model, other))
    assert weights.keys() == others.keys()
    for name, tensor in weights.items():
        assert torch.equal(tensor, others[name]), name
    history, another = (m.history_.drop(columns="seconds") for m in (model, other))
    assert history.to_dict() == another.to_dict()
