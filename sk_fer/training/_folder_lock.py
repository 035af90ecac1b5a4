"""A lock that gives a folder to one training and names its owner."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # Windows locks bytes against reading too; this one is beyond the text

    def _try_lock(file: TextIO) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: TextIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def lock_folder(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock a folder inside a ``with`` block, and create it if it does not exist.

    The lock belongs to the process, so that the operating system releases it when the process
    ends in any way.

    Parameters
    ----------
    folder : Path
        The folder.
    wait : bool, default=False
        Whether to wait if another process has locked the folder.

    Yields
    ------
    None
        The folder is locked until the block ends.

    Raises
    ------
    BlockingIOError
        If another process has locked the folder and `wait` is False.
    OSError
        If the folder cannot be written to.
    """
    path = folder / ".lock"
    is_new = not folder.exists()
    with _locked_file(path, wait=wait) as file:
        try:
            file.truncate(0)
            since = datetime.now().isoformat(" ", "seconds")
            file.write(f"process {os.getpid()} on {socket.gethostname()} since {since}")
            file.flush()
            yield
        finally:
            with suppress(OSError):  # Windows removes no open file
                path.unlink()
                if is_new:
                    folder.rmdir()  # if nothing came of it


def _locked_file(path: Path, *, wait: bool) -> TextIO:
    """Return the open file once it is locked and still the one of that name."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("a+", encoding="utf-8")
        except FileNotFoundError:  # whoever held it has just removed the folder
            continue
        try:
            if _try_lock(file):
                with suppress(FileNotFoundError):
                    if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                        return file
            elif not wait:
                file.seek(0)
                holder = file.read() or "another process"
                raise BlockingIOError(
                    f"{path.parent} is in use by {holder}; two trainings cannot share a folder"
                )
        except BaseException:
            file.close()
            raise
        file.close()
        time.sleep(0.1)
