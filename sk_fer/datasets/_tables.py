"""Reads Parquet and Excel files with pandas, and names other formats in errors."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sk_fer._utils._image_file import is_image

_CONTENTS = {
    b"\x89HDF": ("an HDF5 file", "pandas.read_hdf(path).to_csv"),
    b"\x93NUMPY": ("a NumPy array", "write an archive with numpy.savez(path, X=..., y=...)"),
    b"ARROW1": ("a Feather file", "pandas.read_feather(path).to_csv"),
    b"FEA1": ("a Feather file", "pandas.read_feather(path).to_csv"),
    b"ORC": ("an ORC file", "pandas.read_orc(path).to_csv"),
    b"SQLite format 3": ("a SQLite database", "pandas.read_sql(query, connection).to_csv"),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "save it as .xlsx"),
    b"MATLAB": (
        "a MATLAB file",
        "scipy.io.loadmat(path) reads it, and numpy.savez writes an archive",
    ),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it with 7-Zip"),
    b"Rar!": ("a RAR archive", "unpack it with unrar"),
    b"\x28\xb5\x2f\xfd": ("a Zstandard file", "unpack it with zstd -d"),
    b"%PDF": ("a PDF file", ""),
    **{
        b"\x80" + bytes([n]): ("a pickle, whose loading could run code", "write a CSV file")
        for n in (2, 3, 4, 5)
    },
    b"{": ("a JSON file", "pandas.read_json(path).to_csv"),
    b"[{": ("a JSON file", "pandas.read_json(path).to_csv"),
}
_TABLES = 'run pip install ".[tables]" in the clone of sk_fer'


def open_other_table(path: Path) -> tuple[list[str], Iterator[list[str]]] | None:
    """Return the header and the rows of a Parquet or Excel file, None if it is neither."""
    with path.open("rb") as file:
        head = file.read(4)
    if head not in (b"PAR1", b"PK\x03\x04"):
        return None
    import pandas as pd

    if head == b"PAR1":
        with _reading(path, "Parquet"):
            frame = pd.read_parquet(path)
            columns = _columns(frame)
        return _as_rows(path, frame, columns)
    if head == b"PK\x03\x04" and holds_member(path, "xl/workbook.xml"):
        with _reading(path, "Excel"):
            sheets: dict[Any, Any] = pd.read_excel(path, sheet_name=None, dtype=object)
        tables = [sheet for sheet in sheets.values() if len(sheet)]
        if len(tables) != 1:
            raise ValueError(
                f"{path}: got an Excel file with {len(tables)} sheets that have rows, expected one"
            )
        return _as_rows(path, tables[0], _columns(tables[0]))
    return None


def holds_member(path: Path, *ends: str) -> bool:
    """Whether a zip archive has members, each with one of these endings of its name or more."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # on damaged archives zipfile raises nearly anything
        return False  # reading it raises an error
    return any(name.endswith(ends) for name in names)


def refuse_other_content(path: Path, head: bytes) -> None:
    """Raise a ValueError that names what a file is, if it is a known kind but no text."""
    if is_image(head[:16]):
        raise ValueError(
            f"{path}: not a table but an image; expected a table, or a folder with a folder of "
            "images for each class"
        )
    for start, (what, way_out) in _CONTENTS.items():
        if head.startswith(start):
            if way_out.endswith("to_csv"):
                way_out = f"write a CSV file with {way_out}"
            advice = f"; {way_out}" if way_out else ""
            raise ValueError(f"{path}: not a CSV file but {what}{advice}")


@contextmanager
def _reading(path: Path, kind: str) -> Iterator[None]:
    """Say of what goes wrong in a reader of another package where and what it was."""
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"{path}: reading {kind} files needs another package: {_TABLES}"
        ) from error
    except Exception as error:  # on damaged files the readers raise nearly anything
        reason = " ".join(f"{error!s:.200}".split()) or type(error).__name__
        raise ValueError(f"{path}: not a readable {kind} file, {reason}") from error


def _columns(frame: Any) -> list[list[Any]]:
    return [frame.iloc[:, position].tolist() for position in range(frame.shape[1])]


def _as_rows(
    path: Path, frame: Any, columns: list[list[Any]]
) -> tuple[list[str], Iterator[list[str]]]:
    header = [str(name).strip() for name in frame.columns]
    for name, column in zip(header, columns, strict=True):
        cell = column[0] if column else None
        if isinstance(cell, bytes | dict):
            raise ValueError(
                f"{path}: its column {name!r} has encoded image files, as the data sets of Hugging "
                "Face do; load_huggingface reads them"
            )
    return header, ([_as_text(cell) for cell in row] for row in zip(*columns, strict=True))


def _as_text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, list | tuple | np.ndarray):
        array = np.asarray(cell)
        if array.dtype == object and array.size:  # rows of an image
            array = np.concatenate([np.ravel(row) for row in array])
        return " ".join(map(str, array.ravel().tolist()))
    return "" if cell is None or cell != cell else str(cell)
