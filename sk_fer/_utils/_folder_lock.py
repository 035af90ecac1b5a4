"""A lock that gives a folder to one process and names its owner."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def lock_folder(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock a folder inside a ``with`` block, and create it if it does not exist.

    The lock belongs to the process, so that the operating system releases it when the process
    ends in any way. The empty file ``.lock`` stays in the folder.

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
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    # Not in the lock file itself: in several versions of filelock, each attempt to lock empties it.
    owner = folder / ".lock-owner"
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise BlockingIOError(
            f"{folder} is in use by {_read(owner)}; two runs cannot share a folder"
        ) from None
    try:
        since = datetime.now().isoformat(" ", "seconds")
        text = f"process {os.getpid()} on {socket.gethostname()} since {since}"
        owner.write_text(text, encoding="utf-8")
        yield
    finally:
        with suppress(OSError):  # it would hide the error that counts
            owner.unlink()
        lock.release()


def _read(owner: Path) -> str:
    with suppress(OSError):
        return owner.read_text("utf-8") or "another process"
    return "another process"
