import errno
import multiprocessing
import os
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest

from sk_fer.training import FeatureStore, _feature_store, store_folder


class Backbone:
    """Counts the images that it is run over; the features say which image they are of."""

    def __init__(self, images):
        self.images = images
        self.calls = []

    def __call__(self, rows):
        self.calls.append(rows.tolist())
        return expected(self.images[rows])


def expected(images):
    flat = images.reshape(len(images), -1).astype(np.float32)
    return np.stack([flat, flat + 0.5], axis=1)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (12, 4, 5, 1), dtype=np.uint8)


@pytest.fixture
def store(tmp_path):
    _feature_store._stored_features.cache_clear()
    return FeatureStore(tmp_path / "features", "0a1b")


def another_process():
    """Forget what this process has read, as another one would not know it."""
    _feature_store._stored_features.cache_clear()


def files(store):
    return sorted(store.path.iterdir()) if store.path.exists() else []


def get(store, images):
    """Return the rows computed, having compared the features with those of the images."""
    backbone = Backbone(images)
    features = store.features(images, backbone)
    assert features.dtype == np.float32
    assert features.flags.writeable
    np.testing.assert_array_equal(features, expected(images))
    assert len(backbone.calls) <= 1
    return backbone.calls[0] if backbone.calls else []


def test_folds_in_any_order_compute_each_image_once(store, images):
    assert get(store, images[:8]) == list(range(8))
    assert get(store, images[:8]) == []
    assert get(store, images[4:]) == [4, 5, 6, 7]
    assert get(store, images[::-1]) == []
    assert get(store, images[[3, 11, 3, 0]]) == []
    another_process()
    assert get(FeatureStore(store.path.parent, store.path.name), images) == []
    assert len(files(store)) == 2


def test_duplicates_share(store, images):
    twice = np.concatenate([images[:3], images[[2, 0, 3, 3]]])
    assert get(store, twice) == [0, 1, 2, 5]


def test_another_dtype_shape_or_key_is_another_image(store, images):
    get(store, images)
    assert len(get(store, images.astype(np.float32))) == 12
    assert len(get(store, images.reshape(12, 5, 4, 1))) == 12
    assert len(get(FeatureStore(store.path.parent, "0a1c"), images)) == 12


def test_memory_maps_and_views_are_the_images_they_show(store, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    get(store, np.load(tmp_path / "images.npy", mmap_mode="r"))
    padded = np.zeros((12, 6, 7, 2), np.uint8)
    padded[:, 1:5, 1:6, :1] = images
    assert get(store, padded[:, 1:5, 1:6, :1]) == []
    assert get(store, np.asfortranarray(images)) == []


def test_what_another_process_writes_is_found(store, images):
    get(store, images[:4])
    here = _feature_store._stored_features(store.path)
    another_process()
    get(store, images[4:])
    assert here.missing(list(_feature_store._digests(images))) != {}
    assert here.update().missing(list(_feature_store._digests(images))) == {}


def fit(folder, start, computed):
    images = np.random.default_rng(0).integers(0, 256, (12, 4, 5, 1), dtype=np.uint8)
    backbone = Backbone(images)

    def slow(rows):
        time.sleep(0.3)
        return backbone(rows)

    start.wait(60)
    features = FeatureStore(folder, "0a1b").features(images, slow)
    computed.put((backbone.calls, features.tolist()))


def test_two_processes_at_once_compute_once(store, images):
    context = multiprocessing.get_context("spawn")
    start, computed = context.Barrier(2), context.Queue()
    arguments = (store.path.parent, start, computed)
    process = context.Process(target=fit, args=arguments)
    process.start()
    fit(*arguments)
    results = [computed.get(timeout=60) for _ in range(2)]
    process.join(60)
    assert process.exitcode == 0
    assert sorted(calls for calls, _ in results) == [[], [list(range(12))]]
    for _, features in results:
        np.testing.assert_array_equal(features, expected(images))
    assert [path.suffix for path in files(store)] == [".features"]


def test_threads_wait_for_the_one_that_computes(store, images):
    begun, go_on, computed = threading.Event(), threading.Event(), []

    def slow(rows):
        begun.set()
        assert go_on.wait(30)
        return expected(images[rows])

    first = threading.Thread(target=store.features, args=(images, slow))
    second = threading.Thread(target=lambda: computed.append(get(store, images)))
    first.start()
    assert begun.wait(30)
    second.start()
    second.join(0.3)
    assert second.is_alive()
    go_on.set()
    first.join(30)
    second.join(30)
    assert computed == [[]]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:100],
        lambda content: content[:-10],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content[:300] + bytes([content[300] ^ 1]) + content[301:],
        lambda content: b"not an array",
        lambda content: content.replace(b"'shape': (8, 2, 20)", b"'shape': (9**99,1) "),
    ],
    ids=["empty", "short", "truncated", "feature", "digest", "text", "header"],
)
def test_a_damaged_file_is_computed_again(store, images, damage):
    get(store, images[:8])
    get(store, images)
    [path] = [path for path in files(store) if b"(8, 2, 20)" in path.read_bytes()]
    changed = damage(path.read_bytes())
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    another_process()
    with pytest.warns(UserWarning, match=f"{path.name} is damaged and passed over"):
        assert get(store, images) == list(range(8))
    assert not path.exists()
    another_process()
    assert get(store, images) == []


def test_a_file_that_cannot_be_read_stays(store, images):
    unreadable = store.path / "x.features"
    unreadable.mkdir(parents=True)
    with pytest.warns(UserWarning, match=r"x\.features is passed over, it cannot be read") as told:
        assert len(get(store, images)) == 12
    assert get(store, images) == []
    assert len(told) == 1
    assert unreadable.exists()


def test_a_folder_that_takes_no_files_warns_once_and_computes(store, images):
    store.path.parent.write_text("not a folder")
    with pytest.warns(UserWarning, match="12 images are not kept in .*0a1b") as told:
        assert len(get(store, images)) == 12
    assert len(told) == 1
    assert told[0].filename == __file__


def test_a_full_disk_leaves_nothing_behind(store, images, monkeypatch):
    def no_space(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    get(store, images[:4])
    before = files(store)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.warns(UserWarning, match="8 images are not kept.*No space left"):
            assert len(get(store, images)) == 8
    assert files(store) == before
    assert len(get(store, images)) == 8


def test_what_is_stored_is_read_without_a_lock(store, images, monkeypatch):
    def no_lock(*args, **kwargs):
        raise AssertionError

    get(store, images)
    another_process()
    monkeypatch.setattr(_feature_store, "lock_folder", no_lock)
    assert get(store, images) == []


def test_where_there_are_no_locks_features_are_kept_all_the_same(store, images, monkeypatch):
    def no_lock(*args, **kwargs):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(_feature_store, "lock_folder", no_lock)
    assert len(get(store, images)) == 12
    assert get(store, images) == []


def test_what_a_killed_process_left_half_written_goes(store, images):
    get(store, images[:4])
    (store.path / "ab.features.12345678.unfinished").write_bytes(b"half")
    get(store, images)
    assert [path.suffix for path in files(store)] == [".features", ".features"]


def test_an_error_of_the_backbone_is_told_and_keeps_nothing(store, images):
    def fail(rows):
        raise OSError("no GPU")

    with pytest.raises(OSError, match="no GPU"):
        store.features(images, fail)
    assert files(store) == []
    with pytest.raises(ValueError, match=r"shape \(3, 2\); wanted one row for each of 12"):
        store.features(images, lambda rows: np.zeros((3, 2), np.float32))
    assert len(get(store, images)) == 12


def test_store_folder(tmp_path):
    memory = joblib.Memory(tmp_path / "a", verbose=0)
    assert store_folder(memory) == tmp_path / "a" / "sk_fer_features"
    assert store_folder(str(tmp_path)) == store_folder(tmp_path) == tmp_path / "sk_fer_features"
    assert list(tmp_path.glob("joblib")) == []
    assert store_folder(None) is None
    assert store_folder(joblib.Memory(None)) is None
    assert isinstance(store_folder("relative"), Path)
    with pytest.raises(ValueError, match="memory"):
        store_folder(3)
