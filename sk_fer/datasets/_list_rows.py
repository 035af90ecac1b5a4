"""Rows of a list of image files, as text, and what their fields mean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sk_fer._utils._image_file import IMAGE_SUFFIXES
from sk_fer.datasets._csv_file import described, open_csv
from sk_fer.datasets._read_images import Box

Column = str | int


@contextmanager
def open_list(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """Open a list as `open_csv` does, also if its fields are separated by spaces."""
    with open_csv(path) as (first, rows):
        if len(first) == 1 and len(first[0].split()) > 1:
            first = first[0].split()
            rows = (cells[0].split() for cells in rows)
        yield first, rows


def position_of(path: Path, column: Column, first: list[str]) -> int:
    """Return the position of a column, given by its name or its number."""
    if isinstance(column, str):
        lowered = [name.casefold() for name in first]
        for names, expected in ((first, column), (lowered, column.strip().casefold())):
            if expected in names:
                return names.index(expected)
        raise ValueError(
            f"{path}: no column {column!r}, it has {described(first)}; the columns of a list "
            "without names are given by number, from 0"
        )
    if column >= len(first):
        raise ValueError(f"{path}: no column {column}, its first row has {len(first)} fields")
    return int(column)


def fitted(cells: list[str], n_columns: int, path: int) -> list[str]:
    """Return a row with the spaces in the name of its file put back."""
    surplus = len(cells) - n_columns
    if surplus > 0:
        whole = " ".join(cells[path : path + surplus + 1])
        if Path(whole).suffix.lower() in IMAGE_SUFFIXES:
            return [*cells[:path], whole, *cells[path + surplus + 1 :]]
    if surplus:
        raise ValueError(f"got {len(cells)} fields, expected {n_columns}")
    return cells


def number_of(name: str, text: str) -> float:
    """Return the number in a field. An error message contains `name`."""
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r:.80}, expected a number") from None
    if not abs(number) < 1e9:
        raise ValueError(f"{name} is {text!r:.80}, expected a number of a usual size")
    return number


def box_of(edges: Mapping[str, float]) -> Box:
    """Return the left, top, right and bottom edge of a box that is given so or by its sides."""
    left, top = edges["left"], edges["top"]
    right = edges["right"] if "right" in edges else left + edges["width"]
    bottom = edges["bottom"] if "bottom" in edges else top + edges["height"]
    if right <= left or bottom <= top:
        shown = ", ".join(f"{name}={value:g}" for name, value in edges.items())
        raise ValueError(f"the box {shown} is empty")
    return left, top, right, bottom
