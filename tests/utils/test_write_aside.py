import errno
import os

import pytest

from sk_fer._utils._write_aside import write_aside


def test_readers_see_the_old_file_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "model.bin"
    path.write_text("old")
    with write_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
        assert aside.parent == tmp_path
        assert aside.match("model.bin.????????.unfinished")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_does_not_change_the_file(tmp_path, error):
    path = tmp_path / "model.bin"
    path.write_text("old")

    def write():
        with write_aside(path) as aside:
            aside.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_cannot_store_it_is_an_error(tmp_path, monkeypatch):
    def no_space(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"), write_aside(tmp_path / "a") as aside:
        aside.write_text("a")
    assert list(tmp_path.iterdir()) == []


def test_the_content_is_synced_before_it_has_its_name(tmp_path, monkeypatch):
    order = []

    def note(name, function):
        def noted(*args):
            order.append(name)
            return function(*args)

        monkeypatch.setattr(os, name, noted)

    note("fsync", os.fsync)
    note("replace", os.replace)
    with write_aside(tmp_path / "a") as aside:
        aside.write_text("a")
    assert order[:2] == ["fsync", "replace"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "a"
    with write_aside(path) as first, write_aside(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # it ended last
    assert list(tmp_path.iterdir()) == [path]


def test_errors_name_the_file_that_was_asked_for(tmp_path, monkeypatch):
    path = tmp_path / "a"
    with pytest.raises(OSError, match=f"No space left.*{path}'$"), write_aside(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(PermissionError, match=f"'{path}'$"), write_aside(path) as aside:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(aside))
    with pytest.raises(FileNotFoundError, match=r"'another'$"), write_aside(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "another")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_and_not_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with write_aside(path) as aside:
        aside.write_text("table")
    assert os.read(reader, 100) == b"table"
    os.close(reader)
    assert path.is_fifo()
    assert list(tmp_path.iterdir()) == [path]
