"""Fits of several workers on one device, whose memory is simulated."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import parallel_config

from sk_fer.model_selection import FERGridSearchCV
from sk_fer.modules import DenseNetwork
from sk_fer.training import _shared_device, fit_in_turn
from tests.helpers import dense


class Memory:
    """A device with some memory, which notes what happens on it."""

    def __init__(self, size):
        self.size = size
        self.used = 0
        self.lock = threading.Lock()
        self.most_at_once = self.n_refused = self.n_running = 0

    def take(self, size):
        """Take memory, or raise the error of torch."""
        with self.lock:
            if self.used + size > self.size:
                self.n_refused += 1
                raise torch.OutOfMemoryError("CUDA out of memory")
            self.used += size
            self.n_running += 1
            self.most_at_once = max(self.most_at_once, self.n_running)

    def give_back(self, size):
        """Release memory."""
        with self.lock:
            self.used -= size
            self.n_running -= 1


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """Let all devices count as one GPU."""
    monkeypatch.setattr(_shared_device, "_name", lambda device: "gpu-1")
    monkeypatch.setattr(_shared_device.tempfile, "gettempdir", lambda: str(tmp_path))


def run_together(n_fits, size, memory):
    """Run fits in threads, which all start to compute before the first one ends."""
    started = threading.Barrier(n_fits)
    first = threading.local()

    def fit():
        again, first.ran = getattr(first, "ran", False), True
        try:
            memory.take(size)
        except torch.OutOfMemoryError:
            if not again:
                started.wait(10)
            raise
        if not again:
            started.wait(10)
        memory.give_back(size)
        return "fitted", again

    with ThreadPoolExecutor(n_fits) as threads:
        jobs = [
            threads.submit(fit_in_turn, "cuda", fit, lambda result: False) for _ in range(n_fits)
        ]
        return [job.result(20) for job in jobs]


def test_fits_that_have_memory_run_side_by_side(gpu):
    memory = Memory(100)
    assert run_together(3, 30, memory) == [("fitted", False)] * 3
    assert memory.most_at_once == 3


def test_fits_without_memory_run_alone_afterwards(gpu):
    memory = Memory(100)
    results = run_together(3, 60, memory)
    assert sorted(again for _, again in results) == [False, True, True]
    assert memory.n_refused == 2  # none of them a second time
    assert memory.most_at_once == 1


def test_a_result_can_say_that_memory_was_missing(gpu):
    results = iter([{"error": "OutOfMemoryError"}, {"error": None}])
    assert fit_in_turn("cuda", lambda: next(results), lambda r: bool(r["error"])) == {"error": None}


def test_a_fit_that_runs_out_of_memory_alone_raises_the_error(gpu):
    def fit():
        raise torch.OutOfMemoryError("no memory at all")

    with pytest.raises(torch.OutOfMemoryError, match="no memory at all"):
        fit_in_turn("cuda", fit, lambda result: False)


def test_other_devices_have_no_turns():
    with pytest.raises(torch.OutOfMemoryError):
        fit_in_turn("cpu", lambda: Memory(0).take(1), lambda result: False)


def test_a_search_repeats_fits_alone_instead_of_splitting_their_batches(small, gpu, monkeypatch):
    grid = {"lr": [1e-3, 1e-2]}
    settings = {"cv": 2, "batched": False, "refit": False}
    model = dense(batch_size=35)  # all images of a fold
    expected = FERGridSearchCV(model, grid, **settings).fit(*small)
    forward, alone = DenseNetwork.forward, []

    def forward_if_alone(self, x):
        if self.training:
            if _shared_device.fits_side_by_side():
                raise torch.OutOfMemoryError("CUDA out of memory")
            alone.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(DenseNetwork, "forward", forward_if_alone)
    with parallel_config("threading"):
        search = FERGridSearchCV(model, grid, n_jobs=2, **settings).fit(*small)
    assert set(alone) == {35}
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )
