"""The state of the process is the same before and after a call, also after errors."""

import io
import os
import pickle
import random
import signal
import threading
import warnings
from contextlib import suppress

import joblib
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces
from sk_fer.preprocessing import ImageStandardizer

from ..helpers import Stop

CLASSIFIERS = {
    "dense": FERDenseClassifier((8,), dropout=0.2, max_epochs=2, augment="auto", random_state=0),
    "fast": FERCNNClassifier(max_epochs=1, validation_fraction=0.2, random_state=0),
}


@pytest.fixture(scope="module")
def data():
    return make_faces(28, image_size=16, random_state=0)


@pytest.fixture(scope="module", params=CLASSIFIERS)
def model(request, data):
    """Two of each kind: one fitted, one to fit."""
    kind = CLASSIFIERS[request.param]
    return pickle.loads(pickle.dumps(kind)).fit(*data), kind


def process_state():
    """All that a library could leave changed in its process."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    return {
        "random": random.getstate(),
        "numpy.random": (numpy_state[1].tobytes(), numpy_state[2:]),
        "torch.random": torch.get_rng_state().numpy().tobytes(),
        "numpy errors": np.geterr(),
        "torch threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "threadpoolctl": [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()],
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "mkldnn": torch.backends.mkldnn.enabled,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "signals": {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)},
        "warnings": list(warnings.filters),
        "threads": {thread for thread in threading.enumerate() if thread.is_alive()},
        "files": open_files(),
    }  # fmt: skip


def open_files():
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        return None
    targets = []
    for name in os.listdir(folder):
        with suppress(OSError):  # the one that lists
            targets.append(os.readlink(f"{folder}/{name}"))
    return sorted(target for target in targets if target.startswith("/") and "/proc/" not in target)


ACTIONS = {
    "fit": lambda model, kind, X, y: kind.fit(X, y),
    "fit with weights": lambda model, kind, X, y: kind.fit(X, y, sample_weight=np.arange(1, 29)),
    "partial_fit": lambda model, kind, X, y: model.partial_fit(X, y),
    "predict": lambda model, kind, X, y: model.predict(X),
    "predict, tta": lambda model, kind, X, y: model.set_params(tta=True).predict_proba(X),
    "score": lambda model, kind, X, y: model.score(X, y),
    "history": lambda model, kind, X, y: model.history_,
    "pickle": lambda model, kind, X, y: pickle.loads(pickle.dumps(model)),
    "joblib": lambda model, kind, X, y: joblib.load(io.BytesIO(dumped(model))),
    "draw": lambda model, kind, X, y: make_faces(14, random_state=0),
    "transform": lambda model, kind, X, y: ImageStandardizer().fit_transform(X),
}
FAILURES = {
    "refused": ({}, ValueError),
    "device": ({"device": "quantum"}, ValueError),
    "failing callback": ({"callbacks": [Stop(OSError("the network drive went away"))]}, OSError),
    "Ctrl-C": ({"callbacks": [Stop(signal.SIGINT)]}, KeyboardInterrupt),
}


def dumped(model):
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("action", ACTIONS)
def test_a_call_does_not_change_the_process(model, data, action):
    ACTIONS[action](*model, *data)  # some things are imported or started once
    before = process_state()
    ACTIONS[action](*model, *data)
    after = process_state()
    assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of an interrupted fit
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_failed_call_does_not_change_the_process(data, failure, method):
    X, y = data
    parameters, kind = FAILURES[failure]
    if failure == "refused":
        X = np.full(X.shape, np.nan)
    classifier = FERDenseClassifier((8,), dropout=0.2, random_state=0, **parameters)
    classes = {"classes": np.unique(y)} if method == "partial_fit" else {}
    before = process_state()
    with pytest.raises(kind):
        getattr(classifier, method)(X, y, **classes)
    after = process_state()
    assert {name for name in before if before[name] != after[name]} == set()


def test_without_a_random_state_only_numpys_is_drawn_from(data):
    classifier = FERDenseClassifier((8,), dropout=0.2, max_epochs=1).fit(*data)
    before = process_state()
    classifier.fit(*data)
    after = process_state()
    assert {name for name in before if before[name] != after[name]} == {"numpy.random"}
