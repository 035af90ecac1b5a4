"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Give another name beside `path` to write to, and move what was written into place.

    Readers see the file that was there before or the whole new one, and that holds when the
    power fails too: a file system may store the new name before the content, so the content is
    always synced first. That costs little beside what is written here, and lets nobody choose
    wrongly.

    Parameters
    ----------
    path : Path
        File to make or to replace, in an existing folder.

    Yields
    ------
    Path
        Where to write it. After an exception it is removed, and `path` stays as it was; a
        killed process leaves it behind, as ``<name>.<8 digits>.unfinished``.
    """
    aside = path.with_name(f"{path.name}.{os.urandom(4).hex()}.unfinished")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        # A full disk gives no name, and others the name that nobody knows.
        if error.errno is None or error.filename not in (None, str(aside)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with suppress(OSError):  # it would hide the error that counts
            aside.unlink(missing_ok=True)
    _sync_names(path.parent)


def _sync_names(folder: Path) -> None:
    """Have the folder itself on the disk, where the system has folders as files."""
    if os.name == "nt":
        return
    with suppress(OSError):  # some file systems sync no folders, some folders may not be read
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
