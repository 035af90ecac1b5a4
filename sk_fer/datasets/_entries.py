"""Images with labels: which files they are, and the faces in them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from sk_fer._utils._image_file import IMAGE_SUFFIXES, warn_of_several_frames
from sk_fer._utils._layout import check_size
from sk_fer.datasets._bunch import Faces, make_bunch
from sk_fer.datasets._checks import HOW_TO_SKIP, check_path
from sk_fer.datasets._image_archive import open_image_tree
from sk_fer.datasets._image_tree import ImageFile, ImageTree
from sk_fer.datasets._read_images import Box, ImageSettings, read_images


class Entry(NamedTuple):
    """An image file and what is known of the face in it.

    The box has the left, top, right and bottom edge of the face in pixels. Without a box, the face
    is the whole image.
    """

    file: ImageFile
    label: str
    usage: str | None = None
    group: str | None = None
    box: Box | None = None
    more: tuple[Any, ...] = ()


@dataclass
class Entries:
    """The images of a data set before they are read.

    Parameters
    ----------
    root : str
        Where they are, for messages.
    rows : list of Entry
        The images.
    target_names : sequence of str
        All class names of the data set.
    columns : tuple of str
        The names of the fields in `Entry.more`.
    groups_kind : str or None
        What a group is, such as "subject".
    skipped : list of (str, str)
        The bad images or rows that were left out, with the reasons.
    not_read : dict of str to int
        The number of files that are not images, by suffix.
    fields : dict of str to object
        Further fields of the Bunch.
    """

    root: str
    rows: list[Entry]
    target_names: Sequence[str]
    columns: tuple[str, ...] = ()
    groups_kind: str | None = None
    skipped: list[tuple[Any, str]] = field(default_factory=list)
    not_read: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)


def read_entries(
    entries: Entries,
    *,
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    on_error: str = "raise",
    cache: bool | str = False,
    data_home: str | os.PathLike[str] | None = None,
) -> Faces:
    """Read the images of a data set.

    Parameters
    ----------
    entries : Entries
        The images.
    image_size, color, on_error, cache, data_home
        As in `load_labelled_images`.

    Returns
    -------
    faces : Faces

    Raises
    ------
    ValueError
        If no image is good, if one is bad and `on_error` is "raise", or if their sizes differ.
    """
    settings = ImageSettings(
        size=None if image_size is None else check_size(image_size, "image_size"), color=color
    )
    reading = read_images(
        [(row.file, row.box) for row in entries.rows],
        settings,
        root=entries.root,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )
    warn_of_several_frames(reading.several_frames)
    rows = [entries.rows[i] for i in reading.kept.tolist()]
    return Faces(
        images=reading.images,
        target=np.array([row.label for row in rows]),
        target_names=entries.target_names,
        usage=_column(rows, [row.usage for row in rows], "split"),
        groups=_column(rows, [row.group for row in rows], "group"),
        groups_kind=entries.groups_kind,
        filenames=np.array([row.file.path for row in rows]),
        skipped=[*entries.skipped, *reading.skipped],
        not_read=entries.not_read,
        more=_more(rows, entries.columns),
        fields=entries.fields,
    )


def _more(rows: Sequence[Entry], columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Return what else is known of the images, by its name, and the boxes."""
    more = {name: np.array([row.more[i] for row in rows]) for i, name in enumerate(columns)}
    if rows and all(row.box is not None for row in rows):
        more["boxes"] = np.array([row.box for row in rows], dtype=np.float64)
    return more


def _column(rows: Sequence[Entry], values: Sequence[str | None], what: str) -> np.ndarray | None:
    """Return what is known of each image, or None if it is known of none."""
    known = [value is not None for value in values]
    if any(known) and not all(known):
        path = rows[known.index(False)].file.path
        raise ValueError(f"{path} has no {what}, but {rows[known.index(True)].file.path} has one")
    return np.array(values) if all(known) else None


def load_entries(
    find: Callable[[ImageTree], Entries],
    path: str | os.PathLike[str],
    descr: str,
    *,
    subset: str = "all",
    return_X_y: bool,
    as_frame: bool,
    on_error: str,
    **options: Any,
) -> Bunch | tuple:
    """Find the images of a folder or archive, read them, and return what a loader returns.

    Parameters
    ----------
    find : callable
        A function from the image files to the entries.
    path : str or path-like
        The folder or archive.
    descr : str
        The name of the description.
    subset, return_X_y, as_frame, on_error, **options
        As in `load_labelled_images`.

    Returns
    -------
    bunch : Bunch, or tuple of data and target
    """
    if options["image_size"] is not None:
        check_size(options["image_size"], "image_size")
    with open_image_tree(check_path(path)) as tree:
        check_has_images(tree)
        faces = read_entries(find(tree), on_error=on_error, **options)
    return make_bunch(faces.select(subset, path), descr, return_X_y=return_X_y, as_frame=as_frame)


def check_classes(entries: Entries, on_error: str) -> Entries:
    """Return the entries of a data set in which each class must have images."""
    found = {row.label for row in entries.rows}
    absent = [name for name in entries.target_names if name not in found]
    if absent:
        message = (
            f"{entries.root}: no image of {', '.join(absent)} among {len(entries.rows)}; the whole "
            f"data set has images of {', '.join(entries.target_names)}"
        )
        if on_error == "raise":
            raise ValueError(f"{message}; {HOW_TO_SKIP}, and returns the other classes")
        warnings.warn(message, stacklevel=6)
    return entries


def check_has_images(tree: ImageTree) -> None:
    """Raise a ValueError if there are no images."""
    if not tree.images:
        expected = ", ".join(sorted(IMAGE_SUFFIXES))
        raise ValueError(f"{tree.root}: found no images ({expected}) in this folder")
