"""The number of threads of fits that share the processor."""

from types import SimpleNamespace

import joblib
import pytest
import torch

from sk_fer.model_selection._evaluate import threads_of_a_fit
from sk_fer.training import at_most_threads


@pytest.fixture
def four_threads():
    """Let torch compute with four threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("limit", "n_threads"), [(2, 2), (8, 4), (None, 4)])
def test_the_limit_is_only_lowered_and_ends_with_the_block(four_threads, limit, n_threads):
    with at_most_threads(limit):
        assert torch.get_num_threads() == n_threads
    assert torch.get_num_threads() == 4


LokyBackend = type("LokyBackend", (SimpleNamespace,), {})
DaskDistributedBackend = type("DaskDistributedBackend", (SimpleNamespace,), {})


@pytest.mark.parametrize(
    ("backend", "n_workers", "expected"),
    [
        (LokyBackend(inner_max_num_threads=None), 1, None),
        (LokyBackend(inner_max_num_threads=None), 2, 4),
        (LokyBackend(inner_max_num_threads=None), 20, 1),
        (LokyBackend(inner_max_num_threads=3), 4, 3),  # the user asked for it
        (DaskDistributedBackend(), 4, None),  # its workers are on other machines
    ],
)
def test_workers_divide_the_cores(monkeypatch, backend, n_workers, expected):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    assert threads_of_a_fit(backend, n_workers) == expected
