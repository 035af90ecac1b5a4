"""Lists of image files with labels: which image a row names, and what it says of it."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from sk_fer._utils._image_file import IMAGE_SUFFIXES
from sk_fer.datasets._checks import HOW_TO_SKIP
from sk_fer.datasets._entries import Entries, Entry
from sk_fer.datasets._image_tree import ImageFile, ImageTree
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._list_rows import Column, box_of, fitted, number_of, open_list, position_of
from sk_fer.datasets._names import SUBSETS, subset_of
from sk_fer.datasets._read_images import Box

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
    usage_of_list : callable, default=None
        A function from the path of the list to the split of its images.
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
    usage_of_list: Callable[[Path], str | None] | None = None
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
    tree: ImageTree, tables: Sequence[Path], form: ListForm, names: LabelNames, *, on_error: str
) -> Entries:
    """Find the images that one or several lists name.

    Parameters
    ----------
    tree : ImageTree
        The images.
    tables : sequence of Path
        The lists.
    form : ListForm
        What their columns contain.
    names : LabelNames
        The class names of their labels.
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
    reader = _ListReader(tree, tables, form, names)
    for table in tables:
        with open_list(table) as (first, rows):
            positions = {role: position_of(table, c, first) for role, c in form.columns.items()}
            if not reader.is_header(first, positions):
                rows = chain([first], rows)
            for number, cells in enumerate(rows, 1):
                place = f"{table}, row {number}"
                try:
                    cells = fitted(cells, len(first), positions["path"])
                    reader.read(table, place, cells, positions)
                except ValueError as error:
                    message = f"{place}: {error}"
                    if on_error == "raise":
                        raise ValueError(f"{message}; {HOW_TO_SKIP}") from None
                    reader.skipped.append((number, message))
    return reader.finish(on_error)


class _ListReader:
    """The rows of a list that were read so far."""

    def __init__(
        self, tree: ImageTree, tables: Sequence[Path], form: ListForm, names: LabelNames
    ) -> None:
        self.tree, self.form, self.names = tree, form, names
        self.what = ", ".join(map(str, tables))
        self.rows: dict[tuple[str, Box | None], tuple[str, Entry]] = {}
        self.skipped: list[tuple[Any, str]] = []
        self.missing: list[tuple[str, str]] = []
        self.duplicates: list[str] = []
        self.left_out: Counter[str] = Counter()
        self._named: set[str] = set()
        self._conflicting: set[tuple[str, Box | None]] = set()
        self._n_rows = 0
        self._files = {file.place: file for file in tree.images}
        self._other_case: dict[str, ImageFile] | None = None
        self._prefixes = [""]
        for folder in dict.fromkeys(table.parent for table in tables):
            above = os.path.relpath(folder, tree.root).replace(os.sep, "/")
            if not (above == "." or above.startswith("..")):
                self._prefixes.append(f"{above}/")
        self._n_searches = _MOST_SEARCHES

    def is_header(self, first: list[str], positions: Mapping[str, int]) -> bool:
        """Return whether a row has the names of the columns, and is not the first image."""
        if any(isinstance(column, str) for column in self.form.columns.values()):
            return True
        path = first[positions["path"]]
        if Path(path).suffix.lower() in IMAGE_SUFFIXES or self.find(path) is not None:
            return False
        try:
            self.names(first[positions["label"]])
        except ValueError:
            return True
        return False

    def read(self, table: Path, place: str, cells: list[str], positions: Mapping[str, int]) -> None:
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
        numbers = {name: number_of(name, cells[positions[name]]) for name in form.more}
        if form.keep is not None and not form.keep(numbers):
            self.left_out["not kept"] += 1
            return
        usage = form.usage_of(path) if form.usage_of else None
        if form.usage_of_list is not None:
            usage = form.usage_of_list(table)
        if form.usage is not None:
            usage = subset_of(cells[positions["usage"]])
        if usage is None and (form.usage is not None or form.usage_of):
            shown = path if form.usage is None else cells[positions["usage"]]
            raise ValueError(
                f"the split is {shown!r:.80}, expected {', '.join(SUBSETS)} or another word for "
                "one of them"
            )
        group = form.group_of(path) if form.group_of else None
        if form.group is not None:
            group = cells[positions["group"]]
            if not group:
                raise ValueError(f"the group in column {form.group!r} is empty")
        box = None
        if form.box is not None:
            box = box_of({edge: number_of(edge, cells[positions[edge]]) for edge in form.box})
        if file is None:
            self.missing.append((place, path))
            return
        key = (file.place, box)
        entry = Entry(file, label, usage, group, box, tuple(numbers.values()))
        earlier, known = self.rows.setdefault(key, (place, entry))
        if key in self._conflicting or known.label != label:
            self._conflicting.add(key)
            raise ValueError(f"{path} has the label {label!r}, and {known.label!r} in {earlier}")
        if known is not entry:
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
                for key in {known.casefold(), stem}:
                    # Of two files that differ in case or suffix alone, none is taken.
                    unclear = key in self._other_case
                    self._other_case[key] = None if unclear else file  # type: ignore[assignment]
        lower = (place.casefold() for place in places)
        return next((self._other_case[p] for p in lower if self._other_case.get(p)), None)

    def finish(self, on_error: str) -> Entries:
        """Return the entries, with an error or a warning about what is wrong with the whole."""
        if not self._n_rows:
            raise ValueError(f"{self.what}: no rows in this list")
        if self.missing:
            self._check_missing(on_error)
        for key in self._conflicting:
            del self.rows[key]
        if not self.rows:
            reason = self.skipped[0][1] if self.skipped else f"left out: {dict(self.left_out)}"
            raise ValueError(f"{self.what}: none of {self._n_rows} rows is used, {reason}")
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
        place, path = self.missing[0]
        message = (
            f"{len(self.missing)} of the {self._n_rows} files that the list names are not in "
            f"{self.tree.root}, the first: {place}, {path}"
        )
        n_most = MOST_MISSING * self._n_rows
        if len(self.missing) == self._n_rows or (
            len(self.missing) > n_most and on_error == "raise"
        ):
            name = PurePosixPath(path.replace("\\", "/")).name.casefold()
            same = [f.path for f in self.tree.images if f.name.casefold() == name]
            hint = f"; a file of this name is {same[0]}" if same else ""
            skip = "" if len(self.missing) == self._n_rows else f"; {HOW_TO_SKIP}"
            raise ValueError(f"{self.what}: {message}{hint}{skip}")
        warnings.warn(f"{self.what}: {message}", stacklevel=6)

    def _warn(self, count: int, what: str, names: list[str]) -> None:
        if count:
            warnings.warn(
                f"{self.what}: {count} {what}, the first: {names[0]}",
                stacklevel=7,
            )
