import os

import numpy as np
import pytest

from sk_fer.datasets import _fer2013, load_fer2013


@pytest.fixture
def n_reads(monkeypatch):
    """A list that grows with each time that a table is read and not taken from the cache."""
    reads = []

    def read(*args, **kwargs):
        reads.append(args)
        return original(*args, **kwargs)

    original = _fer2013.read_pixel_csv
    monkeypatch.setattr(_fer2013, "read_pixel_csv", read)
    return reads


def cached(home):
    return sorted((home / "sk_fer").iterdir())


def test_second_load_comes_from_the_cache(fer2013_csv, table, n_reads, data_home):
    first = load_fer2013(fer2013_csv, subset="train")
    second = load_fer2013(fer2013_csv, subset="all")
    assert len(n_reads) == 1
    np.testing.assert_array_equal(first.images, second.images[:3])
    np.testing.assert_array_equal(second.images, table[0])
    assert second.usage.tolist() == ["train"] * 3 + ["validation"] * 2 + ["test"]
    assert second.data.flags.writeable
    assert [path.suffix for path in cached(data_home)] == [".npz"]


def test_data_home_and_cache_off(fer2013_csv, n_reads, data_home, tmp_path):
    load_fer2013(fer2013_csv, cache=False)
    assert not data_home.exists()
    load_fer2013(fer2013_csv, data_home=tmp_path / "mine")
    load_fer2013(fer2013_csv, data_home=tmp_path / "mine")
    assert len(n_reads) == 2
    assert len(cached(tmp_path / "mine")) == 1


def test_a_changed_file_is_read_again(fer2013_csv, n_reads, data_home):
    load_fer2013(fer2013_csv)
    times = fer2013_csv.stat()
    content = fer2013_csv.read_text()
    fer2013_csv.write_text(content.replace("\n3,", "\n4,"))
    os.utime(fer2013_csv, ns=(times.st_atime_ns, times.st_mtime_ns))  # same size and time
    assert load_fer2013(fer2013_csv).target.tolist() == ["angry", "sad", "neutral"]
    os.utime(fer2013_csv, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    load_fer2013(fer2013_csv)
    assert len(n_reads) == 3
    assert len(cached(data_home)) == 1


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "other"])
def test_a_damaged_cache_is_written_again(fer2013_csv, table, n_reads, data_home, damage):
    load_fer2013(fer2013_csv)
    [path] = cached(data_home)
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        del content[5000:]
    elif damage == "empty":
        content.clear()
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
    else:
        content[:] = b"not an archive"
    path.write_bytes(content)
    for _ in range(2):
        np.testing.assert_array_equal(load_fer2013(fer2013_csv, subset="all").images, table[0])
    assert len(n_reads) == 2


def test_an_unwritable_data_home_warns_once_and_continues(fer2013_csv, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.warns(UserWarning, match="is not cached.*cache=False") as caught:
        faces = load_fer2013(fer2013_csv, data_home=tmp_path / "file")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert len(faces.images) == 3


def test_a_failed_write_leaves_nothing_behind(fer2013_csv, data_home, monkeypatch):
    def fail(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.warns(UserWarning, match="No space left"):
        load_fer2013(fer2013_csv)
    assert cached(data_home) == []
