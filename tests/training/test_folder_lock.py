import os
import subprocess
import sys
import threading

import pytest

from sk_fer.training import lock_folder


def test_a_second_one_is_told_who_holds_it(tmp_path):
    with (
        lock_folder(tmp_path),
        pytest.raises(BlockingIOError, match=f"{tmp_path} is in use by process {os.getpid()} on "),
        lock_folder(tmp_path),
    ):
        pass
    with lock_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_waiting_comes_to_its_turn(tmp_path):
    order = []

    def second():
        with lock_folder(tmp_path, wait=True):
            order.append("second")

    thread = threading.Thread(target=second)
    with lock_folder(tmp_path):
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_an_error_inside_releases_it(tmp_path):
    with pytest.raises(ZeroDivisionError), lock_folder(tmp_path):
        raise ZeroDivisionError
    with lock_folder(tmp_path):
        pass


def test_a_dead_process_holds_nothing(tmp_path):
    (tmp_path / ".lock").write_text("process 1 on elsewhere since long ago")
    code = f"import fcntl, os; fcntl.flock(os.open({str(tmp_path / '.lock')!r}, 2), 2); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with lock_folder(tmp_path):
        pass


def test_a_new_folder_stays_only_if_something_came_of_it(tmp_path):
    with lock_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "model").write_text("m")
    with lock_folder(tmp_path / "c"):
        assert (tmp_path / "c").is_dir()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["model"]
    assert not (tmp_path / "c").exists()


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), lock_folder(tmp_path / "file"):
        pass
