"""Lists of image files with labels: which image a row names, and what it says of it."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from sk_fer._utils._image_file import IMAGE_SUFFIXES
from sk_fer.datasets._checks import HOW_TO_SKIP
from sk_fer.datasets._csv_file import described, open_csv
from sk_fer.datasets._entries import Entries, Entry
from sk_fer.datasets._image_tree import ImageFile, ImageTree
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._names import SUBSETS, subset_of
from sk_fer.datasets._read_images import Box

Column = str | int

_MOST_SEARCHES = 20  # for the folder that the paths in a list are below

MOST_MISSING = 0.01
"""The share of the files in a list that may be missing without an error."""


@dataclass(frozen=True)
class ListForm:
    """What the columns of a list contain, and what else follows from the name of a file.

    Parameters
    ----------
    path, label : str or int
        The columns of the file and of the label.
    usage, group : str or int, default=None
        The columns of the split and of the group.
    box : mapping of str to (str or int), default=None
        The columns of the edges left, top, right and bottom, or of left, top, width and height.
    more : mapping of str to (str or int)
        Further columns of numbers, by the names of the fields they become.
    place_of, usage_of, group_of : callable, default=None
        Functions from the name of the file in the list to its path below the root, to its split
        and to its group.
    keep : callable, default=None
        A function from the numbers of `more` to whether the row is used.
    anywhere : bool, default=False
        Whether the paths in the list may be below any folder in the root.
    """

    path: Column
    label: Column
    usage: Column | None = None
    group: Column | None = None
    box: Mapping[str, Column] | None = None
    more: Mapping[str, Column] = field(default_factory=dict)
    place_of: Callable[[str], str] | None = None
    usage_of: Callable[[str], str | None] | None = None
    group_of: Callable[[str], str] | None = None
    keep: Callable[[Mapping[str, float]], bool] | None = None
    anywhere: bool = False

    @property
    def columns(self) -> dict[str, Column]:
        """All columns by what they contain."""
        single = {"path": self.path, "label": self.label, "usage": self.usage, "group": self.group}
        edges = self.box or {}
        return {
            **{role: column for role, column in single.items() if column is not None},
            **edges,
            **self.more,
        }


def list_entries(
    tree: ImageTree, table: Path, form: ListForm, names: LabelNames, *, on_error: str
) -> Entries:
    """Find the images that a list names.

    Parameters
    ----------
    tree : ImageTree
        The images.
    table : Path
        The list.
    form : ListForm
        What its columns contain.
    names : LabelNames
        The class names of its labels.
    on_error : {"raise", "skip"}
        Whether the first bad row is an error, or bad rows are left out.

    Returns
    -------
    entries : Entries
        With the fields `missing`, `extra`, `duplicates` and `left_out`.

    Raises
    ------
    ValueError
        If a column is missing, a row is bad or many files are missing.
    """
    reader = _ListReader(tree, table, form, names)
    with open_list(table) as (first, rows):
        positions = {role: _position(table, c, first) for role, c in form.columns.items()}
        if not _has_header(form, reader, first, positions):
            rows = chain([first], rows)
        for number, cells in enumerate(rows, 1):
            try:
                reader.read(number, _fitted(cells, len(first), positions["path"]), positions)
            except ValueError as error:
                message = f"{table}, row {number}: {error}"
                if on_error == "raise":
                    raise ValueError(f"{message}; {HOW_TO_SKIP}") from None
                reader.skipped.append((number, message))
    return reader.finish(on_error)


class _ListReader:
    """The rows of a list that were read so far."""

    def __init__(self, tree: ImageTree, table: Path, form: ListForm, names: LabelNames) -> None:
        self.tree, self.table, self.form, self.names = tree, table, form, names
        self.rows: dict[tuple[str, Box | None], tuple[int, Entry]] = {}
        self.skipped: list[tuple[Any, str]] = []
        self.missing: list[tuple[int, str]] = []
        self.duplicates: list[str] = []
        self.left_out: Counter[str] = Counter()
        self._named: set[str] = set()
        self._n_rows = 0
        self._files = {file.place: file for file in tree.images}
        self._other_case: dict[str, ImageFile] | None = None
        above = os.path.relpath(table.parent, tree.root).replace(os.sep, "/")
        self._prefixes = [""] if above == "." or above.startswith("..") else ["", f"{above}/"]
        self._n_searches = _MOST_SEARCHES

    def read(self, number: int, cells: list[str], positions: Mapping[str, int]) -> None:
        """Read a row, or raise a ValueError about it."""
        self._n_rows += 1
        form = self.form
        path = cells[positions["path"]]
        if not path:
            raise ValueError("the name of the file is empty")
        file = self.find(path)
        if file is not None:
            self._named.add(file.place)
        label = self.names(cells[positions["label"]])
        if label is None:
            self.left_out[cells[positions["label"]]] += 1
            return
        numbers = {name: _number(name, cells[positions[name]]) for name in form.more}
        if form.keep is not None and not form.keep(numbers):
            self.left_out["not kept"] += 1
            return
        usage = form.usage_of(path) if form.usage_of else None
        if form.usage is not None:
            usage = subset_of(cells[positions["usage"]])
        if usage is None and (form.usage is not None or form.usage_of):
            shown = path if form.usage is None else cells[positions["usage"]]
            raise ValueError(
                f"the split is {shown!r:.80}, wanted {', '.join(SUBSETS)} or another word for one "
                "of them"
            )
        group = form.group_of(path) if form.group_of else None
        if form.group is not None:
            group = cells[positions["group"]]
            if not group:
                raise ValueError(f"the group in column {form.group!r} is empty")
        box = None
        if form.box is not None:
            box = _box({edge: _number(edge, cells[positions[edge]]) for edge in form.box})
        if file is None:
            self.missing.append((number, path))
            return
        entry = Entry(file, label, usage, group, box, tuple(numbers.values()))
        earlier = self.rows.setdefault((file.place, box), (number, entry))
        if earlier[1] is entry:
            return
        if earlier[1].label != label:
            del self.rows[file.place, box]
            raise ValueError(
                f"{path} has the label {label!r}, and {earlier[1].label!r} in row {earlier[0]}"
            )
        self.duplicates.append(path)

    def find(self, path: str) -> ImageFile | None:
        """Return the image that a list names, or None.

        The name is a path below the root or beside the list, with slashes or backslashes, in any
        case, with or without suffix.
        """
        name = path.replace("\\", "/")
        root = self.tree.root.replace(os.sep, "/").rstrip("/")
        name = name.removeprefix(f"{root}/")
        if self.form.place_of is not None:
            name = self.form.place_of(name)
        name = "/".join(part for part in name.split("/") if part not in ("", "."))
        places = [f"{prefix}{name}" for prefix in self._prefixes]
        found = next((self._files[place] for place in places if place in self._files), None)
        if found is None and self.form.anywhere and self._n_searches:
            self._n_searches -= 1
            ends = [place for place in self._files if place.endswith(f"/{name}")]
            if len(ends) == 1:
                self._prefixes.append(ends[0].removesuffix(name))
                found = self._files[ends[0]]
        if found is not None:
            return found
        if self._other_case is None:
            self._other_case = {}
            for known, file in self._files.items():
                stem = os.path.splitext(known)[0].casefold()
                for key in (known.casefold(), stem):
                    # Of two files that differ in case or suffix alone, none is taken.
                    unclear = key in self._other_case
                    self._other_case[key] = None if unclear else file  # type: ignore[assignment]
        lower = (place.casefold() for place in places)
        return next((self._other_case[p] for p in lower if self._other_case.get(p)), None)

    def finish(self, on_error: str) -> Entries:
        """Return the entries, with an error or a warning about what is wrong with the whole."""
        if not self._n_rows:
            raise ValueError(f"{self.table}: no rows in this list")
        if self.missing:
            self._check_missing(on_error)
        if not self.rows:
            reason = self.skipped[0][1] if self.skipped else f"left out: {dict(self.left_out)}"
            raise ValueError(f"{self.table}: none of {self._n_rows} rows is used, {reason}")
        extra = [place for place in self._files if place not in self._named]
        self._warn(len(extra), f"image(s) in {self.tree.root} are not in the list", extra)
        self._warn(len(self.duplicates), "row(s) name an image that another names", self.duplicates)
        return Entries(
            self.tree.root,
            [entry for _, entry in self.rows.values()],
            self.names.target_names,
            columns=tuple(self.form.more),
            skipped=self.skipped,
            not_read=dict(self.tree.not_read),
            fields={
                "missing": [path for _, path in self.missing],
                "extra": extra,
                "duplicates": self.duplicates,
                "left_out": dict(self.left_out),
            },
        )

    def _check_missing(self, on_error: str) -> None:
        number, path = self.missing[0]
        message = (
            f"{len(self.missing)} of the {self._n_rows} files that it names are not in "
            f"{self.tree.root}, the first: row {number}, {path}"
        )
        n_most = MOST_MISSING * self._n_rows
        if len(self.missing) == self._n_rows or (
            len(self.missing) > n_most and on_error == "raise"
        ):
            wanted = PurePosixPath(path.replace("\\", "/")).name.casefold()
            same = [f.path for f in self.tree.images if f.name.casefold() == wanted]
            hint = f"; a file of this name is {same[0]}" if same else ""
            skip = "" if len(self.missing) == self._n_rows else f"; {HOW_TO_SKIP}"
            raise ValueError(f"{self.table}: {message}{hint}{skip}")
        warnings.warn(f"{self.table}: {message}", stacklevel=6)

    def _warn(self, count: int, what: str, names: list[str]) -> None:
        if count:
            warnings.warn(
                f"{self.table}: {count} {what}, the first: {names[0]}",
                stacklevel=7,
            )


@contextmanager
def open_list(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """Open a list as `open_csv` does, also if its fields are separated by spaces."""
    with open_csv(path) as (first, rows):
        if len(first) == 1 and len(first[0].split()) > 1:
            first = first[0].split()
            rows = (cells[0].split() for cells in rows)
        yield first, rows


def _has_header(
    form: ListForm, reader: _ListReader, first: list[str], positions: Mapping[str, int]
) -> bool:
    """Return whether the first row has the names of the columns."""
    if any(isinstance(column, str) for column in form.columns.values()):
        return True
    path = first[positions["path"]]
    is_file = Path(path).suffix.lower() in IMAGE_SUFFIXES or reader.find(path) is not None
    return not is_file


def _position(path: Path, column: Column, first: list[str]) -> int:
    if isinstance(column, str):
        lowered = [name.casefold() for name in first]
        for names, wanted in ((first, column), (lowered, column.strip().casefold())):
            if wanted in names:
                return names.index(wanted)
        raise ValueError(
            f"{path}: no column {column!r}, it has {described(first)}; the columns of a list "
            "without names are given by number, from 0"
        )
    if column >= len(first):
        raise ValueError(f"{path}: no column {column}, its first row has {len(first)} fields")
    return int(column)


def _fitted(cells: list[str], n_columns: int, path: int) -> list[str]:
    """Return a row with the spaces in the name of its file put back."""
    surplus = len(cells) - n_columns
    if surplus > 0:
        whole = " ".join(cells[path : path + surplus + 1])
        if Path(whole).suffix.lower() in IMAGE_SUFFIXES:
            return [*cells[:path], whole, *cells[path + surplus + 1 :]]
    if surplus:
        raise ValueError(f"got {len(cells)} fields, wanted {n_columns}")
    return cells


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r:.80}, wanted a number") from None
    if not abs(number) < 1e9:
        raise ValueError(f"{name} is {text!r:.80}, wanted a number of a usual size")
    return number


def _box(edges: Mapping[str, float]) -> Box:
    left, top = edges["left"], edges["top"]
    right = edges["right"] if "right" in edges else left + edges["width"]
    bottom = edges["bottom"] if "bottom" in edges else top + edges["height"]
    if right <= left or bottom <= top:
        shown = ", ".join(f"{name}={value:g}" for name, value in edges.items())
        raise ValueError(f"the box {shown} is empty")
    return left, top, right, bottom
