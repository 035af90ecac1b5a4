"""Which column of a table has the pixels, which the label and which the split."""

import math
import re
from pathlib import Path
from typing import NamedTuple

from sk_fer.datasets._csv_file import described
from sk_fer.datasets._names import expression_of, subset_of

# For each role the name in FER2013, and what else the column is called.
_NAMES = {
    "pixels": {"pixel", "pixelvalues", "imagepixels", "image", "images", "img", "face"},
    "emotion": {
        *("emotions", "label", "labels", "class", "target", "expression", "category", "y"),
        *("emotionlabel", "emotioncode"),
    },
    "usage": {"split", "subset", "set", "partition"},
}
_SEPARATORS = re.compile(r"[\W_]+")
_ONE_PIXEL = re.compile(r"(?:pixels?|pix|px|p|x|f|feature|v|col|column)?(\d{1,7})")
_ROW_AND_COLUMN = re.compile(r"(?:pixels?)?(\d{1,4})x(\d{1,4})")
_FEWEST_PIXELS = 64
_NUMBERS = re.compile(r"[\[(]?\s*\d[\d.,;|\s]*[\])]?")
_NUMBER = re.compile(r"-?\d+(\.0*)?")


class Columns(NamedTuple):
    """The positions of the columns; several for the pixels where each pixel has one."""

    n_columns: int
    pixels: list[int]
    emotion: int | None
    usage: int | None
    has_header: bool = True


def find_columns(path: Path, first_row: list[str]) -> Columns:
    """Find the columns by their names or, where the first row has none, by what is in them.

    Parameters
    ----------
    path : Path
        The table, for messages.
    first_row : list of str
        The names of the columns, or the first image.

    Returns
    -------
    columns : Columns

    Raises
    ------
    ValueError
        If a column is missing, or more than one could be meant.
    """
    keys = [_SEPARATORS.sub("", name.lower()) for name in first_row]
    wide = {i: place for i, key in enumerate(keys) if (place := _place_of_pixel(key))}
    roles = {role: _find_role(path, role, keys, first_row) for role in _NAMES}
    if all(position is None for position in roles.values()) and not _named_by_pixel(
        first_row, wide
    ):
        return _columns_of_data(path, first_row)
    pixels = [position] if (position := roles["pixels"]) is not None else []
    if not pixels and len(wide) >= _FEWEST_PIXELS:
        pixels = sorted(wide, key=wide.__getitem__)
        if math.isqrt(len(pixels)) ** 2 != len(pixels):
            raise ValueError(
                f"{path}: has {len(pixels)} columns of one pixel each, expected a square number"
            )
    if not pixels:
        if {"unknown", "nf"} <= set(keys):
            raise ValueError(
                f"{path}: has FER+'s votes and no pixels; expected FER2013's own file, and this "
                "one as ferplus="
            )
        raise ValueError(f"{path}: no column 'pixels', the columns are {described(first_row)}")
    if roles["emotion"] is None and len(first_row) > len(pixels):
        raise ValueError(f"{path}: no column 'emotion', the columns are {described(first_row)}")
    return Columns(len(first_row), pixels, roles["emotion"], roles["usage"])


def _place_of_pixel(key: str) -> tuple[int, ...] | None:
    """Return the place in the image of a column named pixel7 or, by row and column, 1x7."""
    found = _ONE_PIXEL.fullmatch(key) or _ROW_AND_COLUMN.fullmatch(key)
    return tuple(map(int, found.groups())) if found else None


def _named_by_pixel(names: list[str], wide: dict[int, tuple[int, ...]]) -> bool:
    """Whether a row has names such as pixel0, and not the pixels of an image."""
    return len(wide) >= _FEWEST_PIXELS and not all(names[i].isdigit() for i in wide)


def _find_role(path: Path, role: str, keys: list[str], names: list[str]) -> int | None:
    if role in keys:
        return keys.index(role)
    found = [position for position, key in enumerate(keys) if key in _NAMES[role]]
    if len(found) > 1:
        several = " and ".join(repr(names[position]) for position in found)
        raise ValueError(f"{path}: the columns {several} could both be {role!r}, name one so")
    return found[0] if found else None


def _columns_of_data(path: Path, row: list[str]) -> Columns:
    """Find the columns of a table without names of columns by its first row."""
    pixels = [i for i, field in enumerate(row) if are_pixels(field)]
    usage = [i for i, field in enumerate(row) if subset_of(field)]
    emotion = [i for i, field in enumerate(row) if _NUMBER.fullmatch(field) or expression_of(field)]
    if len(emotion) > _FEWEST_PIXELS:
        raise ValueError(
            f"{path}: a column for each pixel, but no names of columns; expected a first row such "
            "as emotion,pixel0,pixel1,..."
        )
    if len(pixels) != 1:
        raise ValueError(
            f"{path}: no column 'emotion' or 'pixels', the columns are {described(row)}; expected "
            "a first row such as emotion,pixels,Usage"
        )
    if len(emotion) > 1 or len(usage) > 1 or len(row) != 1 + len(emotion) + len(usage):
        raise ValueError(
            f"{path}: no names of columns, and its first row leaves open what each is; expected a "
            "first row such as emotion,pixels,Usage"
        )
    return Columns(len(row), pixels, next(iter(emotion), None), next(iter(usage), None), False)


def are_pixels(field: str) -> bool:
    """Whether a field has the pixels of an image."""
    return bool(_NUMBERS.fullmatch(field)) and len(re.findall(r"\d+", field)) >= _FEWEST_PIXELS
