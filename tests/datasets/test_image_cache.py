"""The cache of images: what is read again, and what a killed reading leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sk_fer.datasets import _read_images, load_labelled_images

N_IMAGES = 150  # three chunks


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(N_IMAGES):
        pixels = rng.integers(0, 256, (10, 12), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    rows = [f"{n:03}.png,{'happy' if n % 2 else 'sad'}" for n in range(N_IMAGES)]
    (tmp_path / "l.csv").write_text("\n".join(rows))
    return folder


def load(root, **options):
    options = {"path_column": 0, "label_column": 1, "cache": True, **options}
    return load_labelled_images(root, root.parent / "l.csv", **options)


@pytest.fixture
def reads(monkeypatch):
    """The files that were read, in this process."""
    read = []
    original = _read_images._read_face

    def count(file, *args):
        read.append(file.name)
        return original(file, *args)

    monkeypatch.setattr(_read_images, "_read_face", count)
    return read


def file_of(data_home):
    (found,) = (data_home / "sk_fer").glob("*.images")
    return found


def test_images_are_read_once(root, reads, data_home, capfd):
    faces = load(root)
    said = capfd.readouterr().err
    assert "Reading 150 images of 10 x 12 pixels into" in said
    assert said.strip().endswith("GB")
    assert isinstance(faces.images, np.memmap)
    assert not faces.images.flags.writeable
    np.testing.assert_array_equal(faces.images, load(root, cache=False).images)
    reads.clear()
    again = load(root, image_size=(10, 12), cache=True)
    assert len(reads) == N_IMAGES  # other settings are another file
    reads.clear()
    again = load(root)
    assert len(reads) <= 1  # the first image, for its size
    np.testing.assert_array_equal(again.images, faces.images)
    assert capfd.readouterr().err.count("Reading") == 1


def test_a_small_set_is_kept_in_memory_by_default(root, data_home):
    assert not isinstance(load(root, cache="auto").images, np.memmap)
    assert not data_home.exists()


def test_changed_files_are_read_again(root, reads):
    load(root)
    Image.new("L", (12, 10), 7).save(root / "003.png")
    reads.clear()
    assert set(load(root).images[3].ravel().tolist()) == {7}
    assert len(reads) >= N_IMAGES


def test_damage_is_found_and_only_its_chunk_is_read_again(root, reads, data_home):
    whole = np.array(load(root).images)
    path = file_of(data_home)
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(content)
    reads.clear()
    np.testing.assert_array_equal(load(root).images, whole)
    assert set(reads[1:]) == {f"{n:03}.png" for n in range(128, N_IMAGES)}


@pytest.mark.parametrize("damage", ["header", "cut", "empty"])
def test_a_file_that_is_not_a_cache_is_replaced(root, data_home, damage):
    whole = np.array(load(root).images)
    path = file_of(data_home)
    content = path.read_bytes()
    path.write_bytes({"header": b"x" + content[1:], "cut": content[:-5], "empty": b""}[damage])
    np.testing.assert_array_equal(load(root).images, whole)


@pytest.mark.parametrize("bad", [(0,), (70, 71), (149,), (3, 64, 130)])
def test_bad_images_leave_no_gaps(root, reads, bad, data_home):
    whole = np.array(load(root, cache=False).images)
    for number in bad:
        (root / f"{number:03}.png").write_bytes(b"\x89PNG junk")
    with pytest.raises(ValueError, match=f"{bad[0]:03}.png: not a readable image"):
        load(root)
    for _ in range(2):
        reads.clear()
        faces = load(root, on_error="skip")
        assert [os.path.basename(name) for name, _ in faces.skipped] == [f"{n:03}.png" for n in bad]
        np.testing.assert_array_equal(faces.images, np.delete(whole, bad, axis=0))
        assert faces.target.tolist() == np.delete(["sad", "happy"] * 75, bad).tolist()
    assert len(reads) <= 2 + len(bad)
    with pytest.raises(ValueError, match=f"{bad[0]:03}.png: not a readable image"):
        load(root)
    path = file_of(data_home)
    content = bytearray(path.read_bytes())
    content[-len(bad) * 120 - 1] ^= 255  # the last image
    path.write_bytes(content)
    np.testing.assert_array_equal(load(root, on_error="skip").images, np.delete(whole, bad, axis=0))


def test_a_disk_that_is_too_small_is_an_error_before_anything_is_read(root, monkeypatch, data_home):
    monkeypatch.setattr(
        "sk_fer.datasets._image_cache.shutil.disk_usage",
        lambda path: type("usage", (), {"free": 100})(),
    )
    with pytest.raises(OSError, match=r"the images take .* GB, and 1e-07 GB are free; data_home="):
        load(root)
    assert not list((data_home / "sk_fer").glob("*.images"))


def test_processes_return_the_same_images_and_the_first_error(root, monkeypatch, reads):
    whole = np.array(load(root, cache=False).images)
    monkeypatch.setattr(_read_images, "_LONG", 0)
    monkeypatch.setattr(_read_images, "cpu_count", lambda: 2)
    reads.clear()
    np.testing.assert_array_equal(load(root).images, whole)
    assert len(reads) == 1 + 64  # the first image for its size, and the first chunk
    (root / "100.png").write_bytes(b"\x89PNG junk")
    (root / "140.png").write_bytes(b"\x89PNG junk")
    with pytest.raises(ValueError, match=r"100.png: not a readable image"):
        load(root, cache=False)


KILLED = """
import sys, time
from sk_fer.datasets import _read_images, load_labelled_images
read = _read_images._read_face

def slowly(*args):
    time.sleep(0.01)
    return read(*args)

_read_images._read_face = slowly
load_labelled_images(sys.argv[1], sys.argv[2], path_column=0, label_column=1, cache=True)
"""


def test_a_killed_reading_continues(root, reads, data_home, capfd):
    whole = np.array(load(root, cache=False).images)
    table = root.parent / "l.csv"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(root), str(table)])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        files = list(Path(data_home, "sk_fer").glob("*.images"))
        if files and any(files[0].read_bytes()[4096 + N_IMAGES : 4096 + N_IMAGES + 32]):
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    capfd.readouterr()
    reads.clear()
    np.testing.assert_array_equal(load(root).images, whole)
    assert 22 <= len(reads) <= 1 + N_IMAGES - 64
    assert "of 3 parts are there" in capfd.readouterr().err
