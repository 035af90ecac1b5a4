"""From the faces that a loader read to what it returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sk_fer._utils._gray_squares import as_data
from sk_fer.datasets._names import canonical_subset


@dataclass(frozen=True)
class Faces:
    """Images and, in the same order, what is known of each."""

    images: np.ndarray
    target: np.ndarray | None
    target_names: Sequence[str]
    usage: np.ndarray | None = None
    groups: np.ndarray | None = None
    groups_kind: str | None = None
    filenames: np.ndarray | None = None
    skipped: list[tuple[Any, str]] = field(default_factory=list)
    not_read: dict[str, int] = field(default_factory=dict)
    more: dict[str, np.ndarray] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)

    def take(self, rows: np.ndarray | slice) -> "Faces":
        """Return the faces of some rows, given as a mask or a slice."""
        return replace(
            self,
            images=self.images[rows],
            target=_take(self.target, rows),
            usage=_take(self.usage, rows),
            groups=_take(self.groups, rows),
            filenames=_take(self.filenames, rows),
            more={name: column[rows] for name, column in self.more.items()},
        )

    def select(self, subset: str, where: object) -> "Faces":
        """Return the faces of a subset. An error message contains `where` they are from."""
        subset = canonical_subset(subset) or subset
        if subset == "all":
            return self
        if self.usage is None:
            raise ValueError(
                f"{where}: got subset={subset!r}, but it has no splits; expected 'all'"
            )
        rows = subset_rows(self.usage, subset, where)
        first, n_rows = int(rows.argmax()), int(rows.sum())
        wastes_little = 2 * n_rows > len(rows) or isinstance(self.images, np.memmap)
        if wastes_little and rows[first : first + n_rows].all():
            return self.take(slice(first, first + n_rows))  # a view
        return self.take(rows)


def subset_rows(usage: np.ndarray, subset: str, where: object) -> np.ndarray:
    """Return the mask of the rows of a subset. An error message contains `where`."""
    subset = canonical_subset(subset) or subset
    if subset == "all":
        return np.ones(len(usage), dtype=bool)
    rows = usage == subset
    if not rows.any():
        held = sorted(set(usage.tolist()))
        raise ValueError(
            f"{where}: there are no images for subset={subset!r}, only for {', '.join(held)}"
        )
    return rows


def make_bunch(
    faces: Faces, descr: str, *, return_X_y: bool, as_frame: bool, **fields: Any
) -> Bunch | tuple[Any, Any]:
    """Return what a loader returns.

    Parameters
    ----------
    faces : Faces
        What was read.
    descr : str
        Name of the description in the folder ``descr``.
    return_X_y : bool
        Whether to return only data and target.
    as_frame : bool
        Whether to return data and target as pandas objects.
    **fields : Any
        Further fields of the Bunch.

    Returns
    -------
    bunch : Bunch, or tuple of data and target
    """
    images = faces.images
    data: Any = as_data(images)
    target: Any = faces.target
    target_names = _target_names(faces)
    frame = None
    if as_frame:
        data, target, frame = _to_frames(data, target, target_names)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=images,
        target=target,
        target_names=target_names,
        frame=frame,
        groups=faces.groups,
        groups_kind=faces.groups_kind if faces.groups is not None else None,
        usage=faces.usage,
        filenames=faces.filenames,
        skipped=faces.skipped,
        not_read=faces.not_read,
        DESCR=(files("sk_fer.datasets") / "descr" / f"{descr}.rst").read_text("utf-8"),
        **faces.more,
        **faces.fields,
        **fields,
    )


def _target_names(faces: Faces) -> list[str]:
    """Return the names in the order that `classes_` of a classifier has after fit."""
    if faces.target is None:
        return sorted(faces.target_names)
    if faces.target.ndim == 2:
        return list(faces.target_names)
    return np.unique(faces.target).tolist()


def _take(column: np.ndarray | None, rows: np.ndarray | slice) -> np.ndarray | None:
    return None if column is None else column[rows]


def _to_frames(
    data: np.ndarray, target: np.ndarray | None, target_names: Sequence[str]
) -> tuple[Any, Any, Any]:
    import pandas as pd

    if data.ndim > 2:
        raise ValueError(
            f"got as_frame=True for images of shape {data.shape[1:]}, expected square gray images, "
            "color=False and an image_size of equal sides; a table cannot contain other images"
        )
    frame = pd.DataFrame(data, columns=[f"pixel_{i}" for i in range(data.shape[1])])
    if target is None:
        return frame, None, frame
    column: Any
    if target.ndim == 2:
        column = pd.DataFrame(target, columns=list(target_names))
    else:
        column = pd.Series(target, name="target")
    return frame, column, pd.concat([frame, column], axis="columns")
