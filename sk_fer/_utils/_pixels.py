"""Converts strings of pixels, as in FER2013's CSV files, to an array."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

_ROWS_AT_ONCE = 32  # about 300 KB of text, which fits in the cache of the processor
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?")
_PUNCTUATION = str.maketrans(dict.fromkeys("[](),;|'\t\r\n", " "))
_POINT_ZERO = re.compile(r"(?<=[0-9])\.0*(?=\s|$)")


def parse_pixels(
    strings: Any,
    n_pixels: int | None = None,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    where: str = "row {row}",
    first_row: int = 0,
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, str]]]:
    """Read strings of whole numbers from 0 to 255, separated by spaces.

    Commas and brackets, as in ``[1, 2]``, and zero decimals, as in ``1.0``, are accepted, too.

    Parameters
    ----------
    strings : sequence, ndarray or Series of str
        The strings, one per image.
    n_pixels : int, default=None
        The number of pixels expected in each string. If None, the number in the first string
        that can be read.
    on_error : {"raise", "skip"}, default="raise"
        Whether a string that cannot be read raises an error or is left out.
    where : str, default="row {row}"
        The place of a string in messages. ``{row}`` is replaced by the row.
    first_row : int, default=0
        The row of the first string in messages.

    Returns
    -------
    pixels : ndarray of shape (n_kept, n_pixels), dtype uint8
        The pixels of the strings that were read.
    kept : ndarray of shape (n_kept,), dtype intp
        The positions of these strings in `strings`.
    problems : list of (int, str)
        The row and the message of each string that was left out.

    Raises
    ------
    ValueError
        If a string cannot be read and `on_error` is "raise".
    """
    rows = getattr(strings, "iloc", strings)
    if n_pixels is None:
        n_pixels = _first_n_pixels(strings)
    pixels = np.empty((len(strings), n_pixels), dtype=np.uint8)
    kept = np.empty(len(strings), dtype=np.intp)
    problems: list[tuple[int, str]] = []
    n_kept = 0
    for start in range(0, len(strings), _ROWS_AT_ONCE):
        cells = list(rows[start : start + _ROWS_AT_ONCE])
        block = _parse_rows(cells, n_pixels)
        if block is None:
            block = _parse_rows(list(map(_plain, cells)), n_pixels)
        if block is not None:
            pixels[n_kept : n_kept + len(cells)] = block
            kept[n_kept : n_kept + len(cells)] = np.arange(start, start + len(cells))
            n_kept += len(cells)
            continue
        for position, cell in enumerate(cells, start):
            try:
                pixels[n_kept] = _parse_row(cell, n_pixels)
            except ValueError as error:
                row = first_row + position
                message = f"{where.replace('{row}', str(row))}: {error}"
                if on_error == "raise":
                    raise ValueError(message) from None
                problems.append((row, message))
            else:
                kept[n_kept] = position
                n_kept += 1
    return pixels[:n_kept], kept[:n_kept], problems


def count_pixels(cell: str) -> int:
    """Count the numbers in a string of pixels, valid or not."""
    return len(_plain(cell).split())


def _first_n_pixels(cells: Iterable[Any]) -> int:
    """Count the pixels of the first cell that can be read, or return 0."""
    for cell in cells:
        try:
            return len(_parse_row(cell))
        except ValueError:
            continue
    return 0


def _parse_rows(cells: list[Any], n_pixels: int) -> np.ndarray | None:
    """Read well-formed rows together, or return None if a row is not well-formed.

    All digits of all rows are processed together, which is faster than NumPy's text parser.
    """
    if not n_pixels:
        return None
    try:
        text = " ".join(["  ", *cells, ""]).encode("ascii")  # three spaces come first
    except (TypeError, UnicodeEncodeError):
        return None
    characters = np.frombuffer(text, dtype=np.uint8)
    digits = characters - np.uint8(ord("0"))  # wraps around for a space
    is_digit = digits < 10
    if not (is_digit | (characters == ord(" "))).all():
        return None

    ones = np.flatnonzero(is_digit[:-1] > is_digit[1:])
    row_starts = np.cumsum([3, *(len(cell) + 1 for cell in cells)])
    if (np.diff(np.searchsorted(ones, row_starts)) != n_pixels).any():
        return None

    tens, hundreds = digits[ones - 1], digits[ones - 2]
    has_tens = tens < 10
    has_hundreds = has_tens & (hundreds < 10)
    values = digits[ones] + 10 * (tens * has_tens) + np.uint16(100) * (hundreds * has_hundreds)
    if (values > 255).any() or (has_hundreds & is_digit[ones - 3]).any():
        return None
    return values.reshape(len(cells), n_pixels)


def _plain(cell: Any) -> Any:
    """Return a string without the brackets, commas and ``.0`` of other programs."""
    if not isinstance(cell, str):
        return cell
    text = cell.translate(_PUNCTUATION)
    return _POINT_ZERO.sub("", text) if "." in text else text


def _parse_row(cell: Any, n_pixels: int | None = None) -> np.ndarray:
    """Read one row, with an error message that describes what is wrong."""
    if not isinstance(cell, str):
        raise ValueError(f"got {reprlib.repr(cell)}, expected a string of pixels")
    if "..." in cell or "…" in cell:
        raise ValueError(
            "the pixels are shortened with '...', as NumPy prints long arrays; write "
            "' '.join(map(str, image.ravel())) instead"
        )
    tokens = _plain(cell).split()
    if not tokens:
        raise ValueError("got an empty string, expected pixels")
    values = [_parse_value(token) for token in tokens]
    if n_pixels is not None and len(values) != n_pixels:
        raise ValueError(f"got {len(values)} pixels, expected {n_pixels}")
    return np.array(values, dtype=np.uint8)


def _parse_value(token: str) -> int:
    if not _NUMBER.fullmatch(token):
        raise ValueError(f"{reprlib.repr(token)} is not a number from 0 to 255")
    value = float(token)
    if not 0 <= value <= 255:
        raise ValueError(f"pixel value {token} is outside 0 to 255")
    if value != int(value):
        raise ValueError(f"{reprlib.repr(token)} is not a whole number from 0 to 255")
    return int(value)
