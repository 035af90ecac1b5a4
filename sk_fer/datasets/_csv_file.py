"""Rows of a CSV file, plain, compressed or in an archive.

A reader of our own rather than pandas': the fields here hold neither commas nor line ends, so that
splitting lines is faster, a bad row is found by its number instead of ending the file,
and no more than a line is ever held in memory.
"""

import errno
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

CSV_NAMES = ("fer2013.csv", "icml_face_data.csv", "train.csv", "test.csv")
"""The CSV files that the loaders look for in a folder or an archive, the first found is taken."""

_LONGEST_LINE = 1 << 16  # a row of FER2013 has 9,230 characters at most
_ALWAYS_UNPACKED = 4 << 20
_MOST_UNPACKED = 200  # times; real faces come to about 4
_BLOCK = 1 << 16
_DAMAGED = (EOFError, OSError, RuntimeError, zlib.error, zipfile.BadZipFile, tarfile.TarError)


def find_csv(path: Path) -> Path | None:
    """Return a file as it is, and of a folder the first of `CSV_NAMES` or None."""
    if path.is_file():
        return path
    for name in CSV_NAMES:
        stem = name.removesuffix(".csv")
        names = [name, f"{stem}/{name}", f"{name}.gz", f"{name}.zip", f"{stem}.tar.gz"]
        for candidate in names:
            found = path / candidate
            if found.is_file() and (name in CSV_NAMES[:2] or _has_pixels(found)):
                return found
    return None


def _has_pixels(path: Path) -> bool:
    """Whether a file of a common name is one of ours, and no list of image files."""
    try:
        with open_csv(path) as (header, _):
            return "pixels" in map(str.lower, header)
    except ValueError:
        return True  # damaged: whoever reads it will say so


@contextmanager
def open_csv(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """Open a CSV file and read its header.

    Parameters
    ----------
    path : Path
        A CSV file, alone or in a ``.gz``, ``.zip`` or ``.tar.gz``. Of several CSV files in a
        ``.zip`` the first of `CSV_NAMES` is taken; of those in a ``.tar.gz`` the first to come.

    Yields
    ------
    header : list of str
        The names of the columns, without the spaces around them.
    rows : iterator of list of str
        The fields of each row, one for each column or fewer or more. Empty lines are left out.

    Raises
    ------
    ValueError
        If the file is empty, not a text, or a damaged archive.
    """
    with ExitStack() as stack:
        try:
            binary = _open_binary(path, stack)
            text = stack.enter_context(TextIOWrapper(binary, encoding="utf-8-sig"))
            rows = _split(text)
            header = next(rows, None)
            if header is None:
                raise ValueError(f"{path}: the file is empty")
            yield header, rows
        except UnicodeDecodeError as error:
            if _is_gzip(path):
                raise ValueError(
                    f"{path}: not a CSV file but a gzip file, name it {path.name}.gz"
                ) from error
            raise ValueError(f"{path}: not a CSV file, {error}") from error
        except _DAMAGED as error:
            # The disk's own errors, not what an archive's false offsets lead to.
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            raise ValueError(f"{path}: truncated or damaged, {error!s:.200}") from error


def column_positions(path: Path, header: list[str], names: Iterable[str]) -> list[int]:
    """Return where the columns are, whatever the case of their names."""
    found = [name.lower() for name in header]
    for name in names:
        if name.lower() not in found:
            held = ", ".join(repr(column[:20]) for column in header[:12])
            raise ValueError(f"{path}: no column {name!r}, it holds {held}")
    return [found.index(name.lower()) for name in names]


def _split(text: TextIOWrapper) -> Iterator[list[str]]:
    for line in iter(partial(text.readline, _LONGEST_LINE), ""):
        rest = line
        while rest and not rest.endswith("\n"):  # one row, however long, is one row
            rest = text.readline(_LONGEST_LINE)
        if not line.isspace():
            yield [field.strip(' "\t\n') for field in line.split(",")]


def _open_binary(path: Path, stack: ExitStack) -> IO[bytes]:
    name = path.name.lower()
    if name.endswith((".tar.gz", ".tgz")):
        unpacked = _unpacked(stack.enter_context(_open_gzip(path)), path)
        tar = stack.enter_context(tarfile.open(fileobj=unpacked, mode="r|"))  # noqa: SIM115
        for member in tar:
            if member.isfile() and _is_csv(member.name):
                file = tar.extractfile(member)
                assert file is not None  # it is a regular file
                return _unpacked(file, path)
        raise ValueError(f"{path}: no CSV file in this archive")
    if name.endswith(".zip"):
        archive = stack.enter_context(zipfile.ZipFile(path))
        table = archive.open(_choose_member(path, archive.namelist()))
        return _unpacked(stack.enter_context(table), path)
    if name.endswith(".gz"):
        return _unpacked(stack.enter_context(_open_gzip(path)), path)
    return path.open("rb")


def _open_gzip(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path))


class _Unpacked(RawIOBase):
    """What comes out of a packed file, as long as it is in proportion to what went in."""

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


def _unpacked(packed: IO[bytes], path: Path) -> IO[bytes]:
    return cast(IO[bytes], BufferedReader(_Unpacked(packed, path), _BLOCK))


def _choose_member(path: Path, members: list[str]) -> str:
    tables = [member for member in members if _is_csv(member)]
    for name in CSV_NAMES:
        for member in tables:
            if PurePosixPath(member).name == name:
                return member
    if len(tables) != 1:
        found = ", ".join(tables) or "none"
        raise ValueError(f"{path}: wanted one CSV file in this archive, found {found}")
    return tables[0]


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _is_csv(member: str) -> bool:
    name = PurePosixPath(member).name
    return name.lower().endswith(".csv") and not name.startswith(".")
