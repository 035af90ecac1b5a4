"""Reads tables like that of FER2013, with one row per image and its pixels in one column."""

import math
import re
import reprlib
from collections import Counter
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sk_fer._utils._pixels import count_pixels, parse_pixels
from sk_fer.datasets._bunch import Faces
from sk_fer.datasets._checks import HOW_TO_SKIP
from sk_fer.datasets._columns import Columns, find_columns
from sk_fer.datasets._csv_file import open_csv
from sk_fer.datasets._names import EXPRESSIONS, SUBSETS, expression_of, subset_of, usage_code
from sk_fer.datasets._npz import is_npz, read_npz

SIDE = 48
_SMALLEST_SIDE = 8
_ROWS_AT_ONCE = 512
_MANY_ROWS = 10_000  # if more rows are bad, and most are, this is another table
_WHOLE_NUMBER = re.compile(r"([0-9]{1,9})\.0*")


class PixelTable(NamedTuple):
    """A table's rows, less those skipped."""

    pixels: np.ndarray
    emotion: np.ndarray  # one code per row, or none if the table has no labels
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


def read_pixel_csv(path: Path, *, n_classes: int, on_error: str) -> PixelTable:
    """Read ``emotion,pixels,Usage``, ``emotion,pixels`` (training) or ``pixels`` (test).

    Parameters
    ----------
    path : Path
        The table, in any form that `open_csv` or `read_npz` reads.
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
    labels_of = LabelReader(n_classes)
    if is_npz(path):
        return _read_npz(path, labels_of, on_error)
    pixels = np.empty((0, 0), dtype=np.uint8)
    labels, skipped, n_rows = [], [], 0
    with open_csv(path) as (header, rows):
        columns = find_columns(path, header)
        if not columns.has_header:
            rows = chain([header], rows)
        split = _split_of_file(path, columns)
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            if not n_rows:
                n_pixels = _count_pixels(path, batch, columns)
                pixels = np.empty((0, n_pixels), dtype=np.uint8)
            part, label, bad = _read_batch(
                path, batch, n_rows + 1, columns, n_pixels, labels_of, split
            )
            if bad and on_error == "raise":
                raise ValueError(f"{bad[min(bad)]}; {HOW_TO_SKIP}")
            n_kept = len(pixels)
            pixels.resize((n_kept + len(part), n_pixels), refcheck=False)  # in place: no copy
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
    side = math.isqrt(table.pixels.shape[1])
    return Faces(
        images=table.pixels.reshape(-1, side, side),
        target=np.array(names)[table.emotion] if labelled else None,
        target_names=names,
        usage=np.array(SUBSETS)[table.usage],
        skipped=table.skipped,
    )


class LabelReader:
    """From a label as it is written, ``3``, ``3.0`` or ``happy``, to FER2013's code."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self._codes = {str(code): code for code in range(n_classes)}

    def __call__(self, label: str) -> int:
        """Return the code, or raise a ValueError that says what is wrong with the label."""
        code = self._codes.get(label)
        if code is None:
            code = self._codes[label] = self._read(label)
        return code

    def _read(self, label: str) -> int:
        name = expression_of(label)
        if name is not None and EXPRESSIONS.index(name) < self.n_classes:
            return EXPRESSIONS.index(name)
        number = _WHOLE_NUMBER.fullmatch(label)
        if number and int(number[1]) < self.n_classes:
            return int(number[1])
        hint = "; load_ckplus reads ckextended.csv, where 7 is contempt" if label == "7" else ""
        raise ValueError(
            f"emotion {reprlib.repr(label)} is not an integer from 0 to {self.n_classes - 1} or "
            f"the name of an expression{hint}"
        )


def _read_npz(path: Path, labels_of: LabelReader, on_error: str) -> PixelTable:
    pixels, labels, usage = read_npz(path)
    if not len(pixels):
        raise ValueError(f"{path}: no images in this archive")
    codes, skipped = np.zeros((len(pixels), 2), dtype=np.int8), []
    for row, split in enumerate(usage):
        try:
            codes[row] = (labels_of(labels[row]) if labels else 0), usage_code(split)
        except ValueError as error:
            message = f"{path}, row {row + 1}: {error}"
            if on_error == "raise":
                raise ValueError(f"{message}; {HOW_TO_SKIP}") from None
            skipped.append((row + 1, message))
    if len(skipped) == len(pixels):
        raise ValueError(f"{path}: none of {len(pixels)} rows is good, the first: {skipped[0][1]}")
    bad = [row - 1 for row, _ in skipped]
    emotion, splits = np.delete(codes, bad, axis=0).T
    if labels is None:
        emotion = emotion[:0]
    return PixelTable(np.delete(pixels, bad, axis=0), emotion.copy(), splits.copy(), skipped)


def _split_of_file(path: Path, columns: Columns) -> int:
    """Return the split of rows that do not say it: by the file's name, else by their labels."""
    named = subset_of(path.name.split(".")[0])
    return SUBSETS.index(named or ("test" if columns.emotion is None else "train"))


def _count_pixels(path: Path, batch: list[list[str]], columns: Columns) -> int:
    """Return the number of pixels of most of the first rows, 48 x 48 where it can be no image."""
    if len(columns.pixels) > 1:
        return len(columns.pixels)
    cells = [row[columns.pixels[0]] for row in batch[:9] if len(row) == columns.n_columns]
    counts = Counter(map(count_pixels, cells))
    n_pixels, n_rows = counts.most_common(1)[0] if counts else (0, 0)
    side = math.isqrt(n_pixels)
    if counts[SIDE * SIDE] == n_rows:
        return SIDE * SIDE
    if side >= _SMALLEST_SIDE and side * side == n_pixels:
        return n_pixels
    side = math.isqrt(n_pixels // 3)
    if side >= _SMALLEST_SIDE and 3 * side * side == n_pixels:
        raise ValueError(
            f"{path}: its rows have {n_pixels} pixels, 3 x {side} x {side}; expected gray images, "
            "for a table does not tell in which order colours come"
        )
    return SIDE * SIDE


def _read_batch(
    path: Path,
    batch: list[list[str]],
    first_row: int,
    columns: Columns,
    n_pixels: int,
    labels_of: LabelReader,
    split: int,
) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Return the pixels and labels of the good rows, and the message of each bad one."""
    bad: dict[int, str] = {}
    labels = np.zeros((len(batch), 2), dtype=np.int8)
    strings = [""] * len(batch)
    for position, fields in enumerate(batch):
        try:
            if len(fields) != columns.n_columns:
                raise ValueError(f"got {len(fields)} fields, expected {columns.n_columns}")
            emotion = 0 if columns.emotion is None else labels_of(fields[columns.emotion])
            usage = split if columns.usage is None else usage_code(fields[columns.usage])
            labels[position] = emotion, usage
            if len(columns.pixels) == 1:
                strings[position] = fields[columns.pixels[0]]
            else:
                strings[position] = " ".join([fields[column] for column in columns.pixels])
        except ValueError as error:
            row = first_row + position
            bad[row] = f"{path}, row {row}: {error}"
    pixels, kept, problems = parse_pixels(
        strings, n_pixels, on_error="skip", where=f"{path}, row {{row}}", first_row=first_row
    )
    for row, message in problems:
        bad.setdefault(row, message)
    return pixels, labels[kept], bad
