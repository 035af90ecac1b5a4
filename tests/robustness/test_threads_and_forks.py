"""One fitted estimator in several threads and in forked processes."""

import copy
import multiprocessing
import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer._utils import _image_file
from sk_fer.datasets import make_faces

MODELS = {
    "dense": FERDenseClassifier((16,), max_epochs=1, random_state=0),
    "fast": FERCNNClassifier(max_epochs=1, random_state=0),
    "tta": FERCNNClassifier("sequential", max_epochs=1, tta=True, random_state=0),
}


@pytest.fixture(scope="module")
def data():
    return make_faces(42, image_size=16, random_state=0)


@pytest.fixture(params=MODELS)
def model(request, data):
    return copy.deepcopy(MODELS[request.param]).fit(*data)


def test_eight_threads_predict_the_same_as_one(model, data):
    X, _ = data
    parts = [X[start : start + size] for size in (5, 42) for start in range(0, 42, size)]
    expected = [model.predict_proba(part) for part in parts]
    # A thread's first product would run on all cores, where pytest's workers have set one.
    settled = {"initializer": torch.set_num_threads, "initargs": (torch.get_num_threads(),)}
    with ThreadPoolExecutor(8, **settled) as pool:
        for _ in range(3):
            for got, want in zip(pool.map(model.predict_proba, parts), expected, strict=True):
                np.testing.assert_array_equal(got, want)


def test_fits_in_threads_are_those_in_a_row(data):
    X, y = data
    kinds = [FERDenseClassifier((8,), dropout=0.3, max_epochs=2, random_state=i) for i in range(4)]
    expected = [copy.deepcopy(kind).fit(X, y).predict_proba(X) for kind in kinds]
    with ThreadPoolExecutor(4) as pool:
        fitted = list(pool.map(lambda kind: kind.fit(X, y), kinds))
    for classifier, want in zip(fitted, expected, strict=True):
        np.testing.assert_array_equal(classifier.predict_proba(X), want)


def test_predictions_during_a_fit(model, data):
    X, y = data
    want = model.predict_proba(X)
    other = copy.deepcopy(model)
    with ThreadPoolExecutor(2) as pool:
        fit = pool.submit(other.set_params(max_epochs=3).fit, X, y)
        while not fit.done():
            np.testing.assert_array_equal(model.predict_proba(X), want)
        fit.result()


def test_threads_that_read_images_leave_the_warnings_as_they_were(tmp_path, monkeypatch):
    for name in ("first.png", "last.png"):
        Image.new("L", (8, 8)).save(tmp_path / name)
    both_in, first_out = threading.Barrier(2), threading.Event()
    decode = _image_file._decode

    def wait_and_decode(image, name, *arguments):
        both_in.wait(200)
        if name.endswith("last.png"):
            first_out.wait(200)
        return decode(image, name, *arguments)

    monkeypatch.setattr(_image_file, "_decode", wait_and_decode)
    before = list(warnings.filters)
    with ThreadPoolExecutor(2) as pool:
        reads = [
            pool.submit(_image_file.read_image, tmp_path / f"{n}.png") for n in ("first", "last")
        ]
        reads[0].result()
        first_out.set()
        reads[1].result()
    assert list(warnings.filters) == before


def use_in_fork(model, X, y, connection):
    connection.send(model.predict_proba(X))
    connection.send(model.fit(X, y).predict_proba(X))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_of_a_process_with_threads_does_not_hang(data):
    X, y = data
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        device = "cpu" if torch.cuda.is_available() else "auto"
        settings = {"device": device, "precision": "float32", "random_state": 0}
        model = FERCNNClassifier(max_epochs=1, **settings).fit(X, y)
        want = model.predict_proba(X)
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe()
        child = context.Process(target=use_in_fork, args=(model, X, y, there))
        child.start()
        try:
            for _ in range(2):
                assert here.poll(200), "the fork hangs"
                np.testing.assert_allclose(here.recv(), want, rtol=1e-3)
        finally:
            child.kill()
            child.join()
            here.close()
            there.close()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:1"])
def test_cuda_in_a_fork_is_refused(data, monkeypatch, device):
    X, y = data
    model = FERDenseClassifier((8,), max_epochs=1, device="cpu").fit(X, y)
    stored = pickle.dumps(model)
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    model.predict(X)
    pickle.loads(stored)
    message = rf"device='{device}': CUDA was used before this process was forked.*'spawn'.*'cpu'"
    with pytest.raises(RuntimeError, match=message):
        FERDenseClassifier(device=device).fit(X, y)
    with pytest.raises(RuntimeError, match=message):
        model.set_params(device=device).partial_fit(X, y)
    monkeypatch.setattr(model.net_, "device", device)
    with pytest.raises(RuntimeError, match=message):
        model.predict(X)
