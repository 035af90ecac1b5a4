import os
import re
import socket
import subprocess
import sys
import threading

import pytest

from sk_fer._utils._folder_lock import lock_folder


def test_the_error_names_the_owner(tmp_path):
    owner = rf"process {os.getpid()} on {re.escape(socket.gethostname())} since \d{{4}}-\d\d-\d\d "
    with lock_folder(tmp_path):
        for _ in range(2):  # a failed attempt does not change what the next one reads
            with (
                pytest.raises(BlockingIOError, match=f"{tmp_path} is in use by {owner}"),
                lock_folder(tmp_path),
            ):
                pass
    with lock_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] in ([".lock"], [])  # none on Windows


def test_the_error_of_a_lock_in_another_process_names_it(tmp_path):
    code = (
        "import sys; from pathlib import Path; from sk_fer._utils._folder_lock import lock_folder\n"
        f"with lock_folder(Path({str(tmp_path)!r})): print(flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdout.readline()
    try:
        with (
            pytest.raises(BlockingIOError, match=f"in use by process {child.pid} on "),
            lock_folder(tmp_path),
        ):
            pass
    finally:
        child.kill()
        child.communicate()
    with lock_folder(tmp_path):  # the process was killed and its text is still there
        assert f"process {os.getpid()} " in (tmp_path / ".lock-owner").read_text()


def test_waiting_for_the_lock(tmp_path):
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


def test_an_error_inside_releases_the_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), lock_folder(tmp_path):
        raise ZeroDivisionError
    with lock_folder(tmp_path):
        pass


def test_a_new_folder_is_created(tmp_path):
    with lock_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"), lock_folder(tmp_path / "file"):
        pass
