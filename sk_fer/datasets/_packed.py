"""Files inside compressed files and archives, found by content and not by name."""

import bz2
import errno
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any

_ALWAYS_UNPACKED = 4 << 20
_MOST_UNPACKED = 200  # times; real faces come to about 4
_BLOCK = 1 << 16
_HEAD = 512
_LAYERS = 3
_DAMAGED = (
    *(EOFError, OSError, RuntimeError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)

_COMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Say of a damaged file that it is damaged; let the disk's own errors through."""
    try:
        yield
    except _DAMAGED as error:
        # The disk's own errors, not what an archive's false offsets lead to.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise ValueError(f"{path}: truncated or damaged, {error!s:.200}") from error


def open_unpacked(path: Path, stack: ExitStack) -> BufferedReader:
    """Open a file, and decompress it if necessary.

    Parameters
    ----------
    path : Path
        Any file.
    stack : ExitStack
        Closes what is opened here.

    Returns
    -------
    file : BufferedReader
        What is inside.
    """
    file = stack.enter_context(path.open("rb"))
    for _ in range(_LAYERS):
        unpack = next(
            (f for start, f in _COMPRESSED.items() if head_of(file).startswith(start)), None
        )
        if unpack is None:
            break
        file = limited(stack.enter_context(unpack(file)), path)
    return file


def head_of(file: BufferedReader) -> bytes:
    """Return the first bytes of a file without moving its position."""
    return file.peek(_HEAD)[:_HEAD]


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a ZIP archive."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_tar(head: bytes) -> bool:
    """Whether a file that begins so is a tar archive."""
    return head[257:262] == b"ustar"


def limited(packed: IO[bytes], path: Path) -> BufferedReader:
    """Return an unpacking file as one that refuses to unpack out of all proportion."""
    return BufferedReader(_Limited(packed, path), _BLOCK)


class _Limited(RawIOBase):
    """The content of a packed file, with a limit on the ratio of the sizes."""

    def __init__(self, packed: IO[bytes], path: Path) -> None:
        self.packed = packed
        self.path = path
        self.n_left = max(_ALWAYS_UNPACKED, _MOST_UNPACKED * path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.packed.read(len(buffer))
        self.n_left -= len(block)
        if self.n_left < 0:
            raise ValueError(
                f"{self.path}: unpacks to more than {_MOST_UNPACKED} times its size; if it is "
                "meant to, unpack it yourself"
            )
        buffer[: len(block)] = block
        return len(block)
