"""Writes files completely or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move the written file to `path` at the end.

    Readers see either the previous file or the complete new one, also after a power failure: the
    content is synced to the disk before the file is renamed. A device or a pipe, such as
    ``/dev/stdout``, is written directly.

    Parameters
    ----------
    path : Path
        The file to write or to replace, in an existing folder.

    Yields
    ------
    Path
        The temporary path, or `path` itself if it is a device or a pipe. After an exception the
        temporary file is removed, and `path` is not changed. A killed process leaves it, as
        ``<name>.<8 digits>.unfinished``.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        yield path
        return
    aside = path.with_name(f"{path.name}.{os.urandom(4).hex()}.unfinished")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        # The error names the temporary file, or no file if the disk is full.
        if error.errno is None or error.filename not in (None, str(aside)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with suppress(OSError):  # it would hide the first error
            aside.unlink(missing_ok=True)
    _sync_names(path.parent)


def _sync_names(folder: Path) -> None:
    """Sync a folder to the disk, if the system can do so."""
    if os.name == "nt":
        return
    with suppress(OSError):  # some file systems cannot sync folders, some folders cannot be read
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
