"""The file of FER+ votes, and what its authors make of them."""

import re
import reprlib
from itertools import chain
from pathlib import Path

import numpy as np

from sk_fer.datasets._csv_file import column_positions, open_csv
from sk_fer.datasets._names import SUBSETS, USAGES, usage_code
from sk_fer.datasets._pixel_csv import PixelTable

VOTE_NAMES = (
    "neutral",
    "happy",
    "surprise",
    "sad",
    "angry",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "no face",
)
"""What was voted on, in the order of the file; the first eight are expressions."""

FERPLUS_EXPRESSIONS = VOTE_NAMES[:8]

_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
_IMAGE_NAME = re.compile(r"fer\d+\.\w+")
_COUNTS = {str(n): n for n in range(256)}


def read_votes(path: Path, table: PixelTable, table_path: Path) -> np.ndarray:
    """Read the votes for the rows of a table.

    Parameters
    ----------
    path : Path
        ``fer2013new.csv``.
    table : PixelTable
        What was read from FER2013. The row number joins the two files, for the number in an image
        name is not its row.
    table_path : Path
        Where the table is from, for the messages.

    Returns
    -------
    votes : ndarray of shape (n_rows, 10), dtype uint8
        The number of votes for each of `VOTE_NAMES`.

    Raises
    ------
    ValueError
        If the file has another number of rows, another usage in some row, or a bad vote.
    """
    votes, usage = _read_file(path)
    if len(votes) != table.n_rows:
        raise ValueError(f"{path} has {len(votes)} rows, but {table_path} has {table.n_rows}")
    rows = table.rows
    differ = np.flatnonzero(usage[rows] != table.usage)
    if differ.size:
        row = rows[differ[0]]
        raise ValueError(
            f"{path}, row {row + 1}: Usage is {USAGES[usage[row]]}, "
            f"but {table_path} has {USAGES[table.usage[differ[0]]]} there"
        )
    return votes[rows]


def majority(votes: np.ndarray) -> np.ndarray:
    """Return which expression has the majority of each row's votes, -1 where none has.

    The rule of the authors' code: single votes do not count, more than half of the others must
    agree, and must agree on an expression.
    """
    counted = np.where(votes > 1, votes, 0).astype(np.int64)
    winner = counted.argmax(axis=1)
    agreed = 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(agreed & (winner < len(FERPLUS_EXPRESSIONS)), winner, -1)


def shares(votes: np.ndarray) -> np.ndarray:
    """Return the share of each expression in each row's votes for any, NaN where there is none.

    The columns are the expressions in sorted order, as a classifier has them.
    """
    columns = np.argsort(FERPLUS_EXPRESSIONS)
    expressions = votes[:, columns].astype(np.float32)
    with np.errstate(invalid="ignore"):
        return expressions / expressions.sum(axis=1, keepdims=True)


def read_named_votes(path: Path) -> dict[tuple[str | None, str], np.ndarray]:
    """Read the votes for image files.

    Parameters
    ----------
    path : Path
        ``fer2013new.csv``, or a file ``label.csv``, whose rows have the name of the image, its box
        and the votes, without names of columns.

    Returns
    -------
    votes : dict of (str or None, str) to ndarray of shape (10,)
        The votes by the split, None for ``label.csv``, and the name of the image.
    """
    named: dict[tuple[str | None, str], np.ndarray] = {}
    with open_csv(path) as (header, rows):
        usage: int | None = None
        if _IMAGE_NAME.fullmatch(header[0]):
            name, positions = 0, list(range(2, 2 + len(VOTE_NAMES)))
            rows = chain([header], rows)
        else:
            usage, name, *positions = column_positions(
                path, header, ["Usage", "Image name", *_COLUMNS]
            )
        for row, fields in enumerate(rows, 1):
            try:
                if len(fields) <= positions[-1]:
                    raise ValueError(f"got {len(fields)} fields, expected {positions[-1] + 1}")
                if not fields[name]:
                    continue  # a row of FER2013 without an image
                split = None if usage is None else SUBSETS[usage_code(fields[usage])]
                counts = [_n_votes(fields[position]) for position in positions]
                if (split, fields[name]) in named:
                    raise ValueError(f"{fields[name]} has votes in an earlier row")
                named[split, fields[name]] = np.array(counts, dtype=np.uint8)
            except ValueError as error:
                raise ValueError(f"{path}, row {row}: {error}") from None
    if not named:
        raise ValueError(f"{path}: no rows with the name of an image")
    return named


def _read_file(path: Path) -> tuple[np.ndarray, np.ndarray]:
    usages, votes = [], []
    with open_csv(path) as (header, rows):
        usage_position, *positions = column_positions(path, header, ["Usage", *_COLUMNS])
        for row, fields in enumerate(rows, 1):
            try:
                if len(fields) != len(header):
                    raise ValueError(f"got {len(fields)} fields, expected {len(header)}")
                usages.append(usage_code(fields[usage_position]))
                votes.append([_n_votes(fields[position]) for position in positions])
            except ValueError as error:
                raise ValueError(f"{path}, row {row}: {error}") from None
    if not votes:
        raise ValueError(f"{path}: no rows below the header")
    return np.array(votes, dtype=np.uint8), np.array(usages)


def _n_votes(text: str) -> int:
    if text not in _COUNTS:
        raise ValueError(f"{reprlib.repr(text)} is not a number of votes")
    return _COUNTS[text]
