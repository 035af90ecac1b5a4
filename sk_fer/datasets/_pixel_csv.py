"""Tables in FER2013's form: a row an image, its pixels in one column."""

import reprlib
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sk_fer._utils._pixels import parse_pixels
from sk_fer.datasets._bunch import Faces
from sk_fer.datasets._csv_file import column_positions, open_csv
from sk_fer.datasets._names import SUBSETS, usage_code

SIDE = 48
_ROWS_AT_ONCE = 512
_MANY_ROWS = 10_000  # when more are bad, and they are the most, this is no such table


class PixelTable(NamedTuple):
    """A table's rows, less those skipped."""

    pixels: np.ndarray
    emotion: np.ndarray  # codes, one a row, or none at all where the table has no labels
    usage: np.ndarray  # positions in SUBSETS
    skipped: list[tuple[int, str]]  # rows count from 1, below the header

    @property
    def n_rows(self) -> int:
        """The number of rows in the file."""
        return len(self.pixels) + len(self.skipped)

    @property
    def rows(self) -> np.ndarray:
        """The positions in the file of the rows kept, from 0."""
        return np.delete(np.arange(self.n_rows), [row - 1 for row, _ in self.skipped])


class _Columns(NamedTuple):
    n_columns: int
    pixels: int
    emotion: int | None
    usage: int | None


def read_pixel_csv(path: Path, *, n_classes: int, on_error: str) -> PixelTable:
    """Read ``emotion,pixels,Usage``, ``emotion,pixels`` (training) or ``pixels`` (test).

    Parameters
    ----------
    path : Path
        The CSV file, or an archive with it.
    n_classes : int
        The number of codes that a label may have.
    on_error : {"raise", "skip"}
        Whether the first bad row ends the call, or is left out.

    Returns
    -------
    table : PixelTable

    Raises
    ------
    ValueError
        If a column is missing, a row bad or none left.
    """
    pixels = np.empty((0, SIDE * SIDE), dtype=np.uint8)
    labels, skipped, n_rows = [], [], 0
    codes = {str(code): code for code in range(n_classes)}
    with open_csv(path) as (header, rows):
        columns = _find_columns(path, header)
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            part, label, bad = _read_batch(path, batch, n_rows + 1, columns, codes)
            if bad and on_error == "raise":
                raise ValueError(bad[min(bad)])
            n_kept = len(pixels)
            pixels.resize((n_kept + len(part), SIDE * SIDE), refcheck=False)  # in place: no copy
            pixels[n_kept:] = part
            labels.append(label)
            skipped.extend(sorted(bad.items()))
            n_rows += len(batch)
            if len(skipped) > max(_MANY_ROWS, n_rows // 2):
                raise ValueError(
                    f"{path}: {len(skipped)} of the first {n_rows} rows are bad, the first: "
                    f"{skipped[0][1]}"
                )
    if not n_rows:
        raise ValueError(f"{path}: no rows below the header")
    if len(skipped) == n_rows:
        raise ValueError(f"{path}: none of {n_rows} rows is good, the first: {skipped[0][1]}")
    emotion, usage = np.concatenate(labels).T
    if columns.emotion is None:
        emotion = emotion[:0]
    return PixelTable(pixels, emotion.copy(), usage.copy(), skipped)


def table_faces(table: PixelTable, names: tuple[str, ...]) -> Faces:
    """Return a table's rows as images with class names."""
    labelled = len(table.emotion) == len(table.pixels)
    return Faces(
        images=table.pixels.reshape(-1, SIDE, SIDE),
        target=np.array(names)[table.emotion] if labelled else None,
        target_names=names,
        usage=np.array(SUBSETS)[table.usage],
        skipped=table.skipped,
    )


def _find_columns(path: Path, header: list[str]) -> _Columns:
    names = [name.lower() for name in header]
    wanted = ["pixels"] if names == ["pixels"] else ["emotion", "pixels"]
    found = dict(zip(wanted, column_positions(path, header, wanted), strict=True))
    usage = names.index("usage") if "usage" in names else None
    return _Columns(len(names), found["pixels"], found.get("emotion"), usage)


def _read_batch(
    path: Path,
    batch: list[list[str]],
    first_row: int,
    columns: _Columns,
    codes: dict[str, int],
) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Return the pixels and labels of the good rows, and the message of each bad one."""
    bad: dict[int, str] = {}
    labels = np.zeros((len(batch), 2), dtype=np.int8)
    strings = [""] * len(batch)
    for position, fields in enumerate(batch):
        try:
            labels[position] = _read_labels(fields, columns, codes)
            strings[position] = fields[columns.pixels]
        except ValueError as error:
            row = first_row + position
            bad[row] = f"{path}, row {row}: {error}"
    pixels, kept, problems = parse_pixels(
        strings, SIDE * SIDE, on_error="skip", where=f"{path}, row {{row}}", first_row=first_row
    )
    for row, message in problems:
        bad.setdefault(row, message)
    return pixels, labels[kept], bad


def _read_labels(fields: list[str], columns: _Columns, codes: dict[str, int]) -> tuple[int, int]:
    if len(fields) != columns.n_columns:
        raise ValueError(f"got {len(fields)} fields, wanted {columns.n_columns}")
    emotion = 0
    if columns.emotion is not None:
        label = fields[columns.emotion]
        if label not in codes:
            raise ValueError(
                f"emotion {reprlib.repr(label)} is not an integer from 0 to {len(codes) - 1}"
            )
        emotion = codes[label]
    if columns.usage is None:
        return emotion, SUBSETS.index("test" if columns.emotion is None else "train")
    return emotion, usage_code(fields[columns.usage])
