"""Memory is kept during a fit, and memory maps do not fill it."""

import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sk_fer._utils import _mapped
from sk_fer._utils._mapped import MappedPages
from sk_fer.training import BatchIterator, FaceDataset, _memory
from sk_fer.training._memory import reuse_memory

linux = pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc")


class Libc:
    def __init__(self):
        self.calls = []

    def mallopt(self, option, value):
        self.calls.append((option, value))

    def malloc_trim(self, pad):
        self.calls.append("trim")


def test_the_last_user_releases_the_memory(monkeypatch):
    libc = Libc()
    monkeypatch.setattr(_memory, "_glibc", lambda: libc)
    with reuse_memory():
        entered = list(libc.calls)
        assert (_memory.M_MMAP_MAX, 0) in entered
        with pytest.raises(KeyError), reuse_memory():
            raise KeyError
        assert libc.calls == entered
    assert libc.calls[len(entered) :] == [*_memory.USUAL.items(), "trim"]


def test_nothing_happens_without_glibc(monkeypatch):
    monkeypatch.setattr(_memory, "_glibc", lambda: None)
    with reuse_memory():
        pass


def peak(function):
    """Return by how much the process's memory grew while a function ran, in MiB."""
    status = Path("/proc/self/statm")
    sizes = []

    def watch(*_):
        sizes.append(int(status.read_text().split()[1]) * 4096 / 2**20)

    watch()
    function(watch)
    return max(sizes) - sizes[0]


@linux
def test_a_pass_over_a_large_map_does_not_fill_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_mapped, "MOST_MAPPED", 8 * 2**20)
    with open(tmp_path / "faces", "wb") as file:
        file.truncate(96 * 2**20)
    mapped = np.memmap(tmp_path / "faces", np.uint8, "r", shape=(96, 512, 1024, 2))
    dataset = FaceDataset(np.asarray(mapped)[:, ::1])
    assert dataset.mapped

    def go_through(watch):
        for _ in BatchIterator(dataset, 2):
            watch()

    assert peak(go_through) < 40


def test_changes_in_a_private_map_are_not_given_up(tmp_path):
    (tmp_path / "faces").write_bytes(bytes(4096))
    for mode, given_back in [("r", True), ("r+", True), ("c", False)]:
        array = np.memmap(tmp_path / "faces", np.uint8, mode, shape=(1, 64, 64, 1))
        assert (MappedPages.of(array.reshape(1, 4096)) is not None) == given_back
    assert MappedPages.of(np.zeros(3)) is None


def test_batches_of_a_map_are_gathered_by_a_thread_that_ends(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    np.save(tmp_path / "faces.npy", images)
    dataset = FaceDataset(np.load(tmp_path / "faces.npy", mmap_mode="r"), np.arange(50))
    seen = [target for _, target in BatchIterator(dataset, 8)]
    np.testing.assert_array_equal(np.concatenate(seen), np.arange(50))
    broken_off = iter(BatchIterator(dataset, 8))
    next(broken_off)
    broken_off.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("sk_fer_batches")]
    with ThreadPoolExecutor(4) as pool:
        passes = pool.map(lambda _: len(list(BatchIterator(dataset, 8))), range(4))
    assert list(passes) == [7] * 4
