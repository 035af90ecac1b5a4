"""The table of FER2013 in a folder, and whether an archive has one."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sk_fer.datasets._columns import are_pixels, find_columns
from sk_fer.datasets._csv_file import CSV_NAMES, archived_tables, choose_member, open_csv
from sk_fer.datasets._names import subset_of
from sk_fer.datasets._npz import is_npz

_STEMS = tuple(name.removesuffix(".csv") for name in CSV_NAMES)
_ENDINGS = (
    *(".csv", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip", ".zip", ".tar"),
    *(".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".parquet", ".xlsx", ".npz"),
)


def find_table(path: Path) -> Path | None:
    """Return the path of a file, or of the table in a folder. Return None if there is no table.

    The table has a name of `CSV_NAMES`, in upper or lower case, with the ending of any format that
    can be read. It is in the folder itself, in a subfolder of the same name, or in a folder of
    that name in this subfolder. If there is no such name, it is the only CSV file with pixels.
    """
    if path.is_file():
        return path
    places = [path, *_inner_folders(path)]
    for stem in _STEMS:
        for place in places:
            files = {name.lower(): place / name for name in _names(place)}
            for ending in _ENDINGS:
                found = files.get(f"{stem}{ending}")
                if found and found.is_file() and (stem in _STEMS[:2] or _may_be_table(found)):
                    return found
    others = [path / name for name in _names(path) if name.lower().endswith(".csv")]
    tables = [other for other in others if other.is_file() and has_pixels(other)]
    return tables[0] if len(tables) == 1 else None


def warn_of_other_tables(taken: Path, *, alone: bool) -> None:
    """Warn of tables of other splits beside the one that is read, such as ``test.csv``.

    They are beside it in its folder, unless it was asked for `alone`, or in the archive that it is.
    """
    if archived := archived_tables(taken):
        read = choose_member(taken, archived)
        if subset_of(PurePosixPath(read).stem):
            others = [name for name in archived if subset_of(PurePosixPath(name).stem)]
            _warn_of_unread(taken, read, [name for name in others if name != read])
    if alone or subset_of(taken.stem) is None:
        return
    others = [
        name
        for name in _names(taken.parent)
        if name != taken.name and name.lower().endswith(".csv") and subset_of(name[:-4])
    ]
    _warn_of_unread(
        taken.parent, taken.name, [name for name in others if has_pixels(taken.parent / name)]
    )


def _warn_of_unread(place: Path, read: str, tables: list[str]) -> None:
    if tables:
        warnings.warn(
            f"{place}: has several tables; {read} is read, and {', '.join(tables)} is not. Give "
            "the path of a table to read it",
            stacklevel=6,
        )


def has_pixels(path: Path) -> bool:
    """Whether a file is a table with pixels, and no list of image files or something else.

    A column may be called image and have the names of files.
    """
    try:
        if is_npz(path):
            return True
        with open_csv(path) as (header, rows):
            columns = find_columns(path, header)
            if len(columns.pixels) > 1 or not columns.has_header:
                return True
            first = next(rows, None)
            name, cell = header[columns.pixels[0]], (first or header)[columns.pixels[0]]
            return name.lower() == "pixels" or are_pixels(cell)
    except (ValueError, OSError, ImportError, IndexError):
        return False


def _may_be_table(path: Path) -> bool:
    """Whether a file of a common name is a table with pixels, or damaged."""
    try:
        with open_csv(path) as (header, _):
            return "pixels" in map(str.lower, header) or has_pixels(path)
    except ValueError:
        return path.suffix.lower() != ".zip" or has_pixels(path)  # reading it raises an error


def _names(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def _inner_folders(path: Path) -> Iterator[Path]:
    for name in _names(path):
        inner = path / name
        if name.lower().removesuffix(".csv") in _STEMS[:2] and inner.is_dir():
            yield inner
            yield from _inner_folders(inner)
