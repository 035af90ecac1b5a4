"""Reads DATA into images, classes and splits."""

import shlex
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sk_fer._cli._console import show_warning
from sk_fer._cli._options import check_share
from sk_fer.datasets import load_faces, make_faces
from sk_fer.datasets._checks import check_path
from sk_fer.datasets._declared import DATA_SETS
from sk_fer.datasets._load import find_format
from sk_fer.datasets._names import subset_of
from sk_fer.model_selection import make_splits, stratified_subset

# About a minute of training on two slow cores, with the settings of FACES_SETTINGS.
N_FACES = 1000


@dataclass(frozen=True)
class Source:
    """The options that select the data."""

    data: Path | None = None
    ferplus: Path | None = None
    classes: str | None = None
    image_size: int | None = None
    skip_bad: bool = False
    test_size: float = 0.1
    seed: int = 0
    color: bool = False
    format: str = "auto"

    def __post_init__(self) -> None:
        """Check the options before the data is read."""
        check_share("--test-size", self.test_size, most=0.5)
        if self.data is None and self.ferplus is not None:
            raise typer.BadParameter(
                "it needs DATA, the path of a table of FER2013", param_hint="--ferplus"
            )
        if str(self.data) in ("", "."):
            raise typer.BadParameter(
                f"got {str(self.data)!r}, expected a file, or a folder other than the current one",
                param_hint="DATA",
            )
        if self.classes is not None and not (self.class_names or self.folder_names):
            raise typer.BadParameter(
                f"got {self.classes!r}, expected names separated by commas", param_hint="--classes"
            )

    @property
    def class_names(self) -> list[str] | None:
        """The names given in --classes, or None."""
        if self.classes is None:
            return None
        names = [name.rpartition("=")[2].strip() for name in self.classes.split(",")]
        return [name for name in names if name]

    @property
    def folder_names(self) -> dict[str, str] | None:
        """The class of each folder given as ``FOLDER=NAME`` in --classes, or None."""
        pairs = [pair.partition("=") for pair in (self.classes or "").split(",") if pair.strip()]
        if not any(equals for _, equals, _ in pairs):
            return None
        if not all(folder.strip() and name.strip() for folder, _, name in pairs):
            raise typer.BadParameter(
                f"got {self.classes!r}, expected names, or FOLDER=NAME for each folder",
                param_hint="--classes",
            )
        return {folder.strip(): name.strip() for folder, _, name in pairs}

    @property
    def name(self) -> str:
        """The name of the data in outputs."""
        return f"drawn faces, seed {self.seed}" if self.data is None else str(self.data)

    def arguments(self) -> list[str]:
        """Return the command-line arguments that select the same data."""
        given = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if field.name != "data":
                given.append(f"--{field.name.replace('_', '-')}")
            if value is not True:
                given.append(shlex.quote(str(value)))
        return given


@dataclass(frozen=True)
class Faces:
    """Images, their classes and their splits."""

    source: Source
    images: NDArray[np.uint8]
    target: NDArray
    target_names: list[str]
    usage: NDArray | None
    groups: NDArray | None
    groups_kind: str | None
    format: str
    skipped: list[tuple[Any, str]]
    not_read: dict[str, int]
    filenames: NDArray | None = None

    @cached_property
    def splits(self) -> NDArray:
        """The split of each image: "train", "validation" or "test"."""
        try:
            return make_splits(self, test_size=self.source.test_size, random_state=self.source.seed)
        except ValueError as error:
            raise ValueError(f"{self.source.name}: {error}") from error

    @property
    def split_note(self) -> str:
        """How the splits were made."""
        known = self._own_splits
        if self.has_own_validation:
            return "those of the data set"
        share = f"{100 * self.source.test_size:.3g}%"
        if self.groups is not None:
            share = f"about {share}"
        if len(known) > 1:
            made = f"the test split of the data set, and {share} of each class for validation"
        else:
            made = f"{share} of each class for validation and {share} for test"
        groups = "" if self.groups is None else f", without a common {self.groups_kind}"
        return f"{made}{groups}, seed {self.source.seed}"

    @property
    def has_own_validation(self) -> bool:
        """Whether the data set contains a training and a validation split."""
        return self._own_splits >= {"train", "validation"}

    @property
    def _own_splits(self) -> set[str | None]:
        return set() if self.usage is None else set(map(subset_of, self.usage.tolist()))

    @property
    def has_splits(self) -> bool:
        """Whether the data set contains several splits."""
        return self.usage is not None and len(set(self.usage.tolist())) > 1

    def rows(self, split: str, fraction: float = 1.0) -> NDArray[np.intp]:
        """Return the rows of a split, or the given share of each class in it."""
        if split == "all":
            return np.arange(len(self.target))
        rows = np.flatnonzero(self.splits == split)
        if not len(rows):
            raise ValueError(f"{self.source.name}: the {split} split has no images")
        return rows[stratified_subset(self.target[rows], fraction, random_state=self.source.seed)]

    def part(self, split: str) -> tuple[NDArray[np.uint8], NDArray]:
        """Return the images of a split and their classes."""
        rows = self.rows(split)
        return self.images_of(rows), self.target[rows]

    def images_of(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return the images of some rows, without a copy if the rows follow each other."""
        if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
            return self.images[rows[0] : rows[-1] + 1]
        return self.images[rows]

    def bunch(self, rows: NDArray[np.intp]) -> Bunch:
        """Return some rows as a data set."""
        return Bunch(
            images=self.images_of(rows),
            target=self.target[rows],
            target_names=self.target_names,
            filenames=None if self.filenames is None else self.filenames[rows],
        )

    def facts(self) -> dict[str, Any]:
        """Return the description of the data for a report."""
        names, counts = np.unique(self.splits, return_counts=True)
        return {
            "source": self.source.name,
            "format": self.format,
            "image_shape": self.images.shape[1:],
            "classes": self.target_names,
            "splits": dict(zip(names.tolist(), counts.tolist(), strict=True)),
            "split_note": self.split_note,
            "test_size": self.source.test_size,
            "seed": self.source.seed,
            "n_skipped": len(self.skipped),
            "not_read": self.not_read,
        }

    def held_out(self) -> list[str]:
        """Return the splits to score on that have images."""
        return [split for split in ("validation", "test") if split in self.splits]


def read_faces(source: Source, *, image_shape: tuple[int, int, int] | None = None) -> Faces:
    """Read DATA.

    Parameters
    ----------
    source : Source
        The options that select the data.
    image_shape : tuple of (height, width, channels), optional
        The image shape of a model, to which the images of class folders are converted.
    """
    faces = read_bunch(source, image_shape)
    if faces.target is None:
        raise ValueError(f"{source.data}: the images have no labels")
    absent = [name for name in source.class_names or [] if name not in set(faces.target)]
    if absent:
        show_warning(f"--classes has {', '.join(absent)}, but {source.name} has no such images")
    return Faces(
        source=source,
        images=faces.images,
        target=faces.target,
        target_names=faces.target_names,
        usage=faces.usage,
        groups=faces.groups,
        groups_kind=faces.groups_kind,
        format=faces.format,
        skipped=faces.skipped,
        not_read=faces.not_read,
        filenames=faces.get("filenames"),
    )


def read_bunch(source: Source, image_shape: tuple[int, int, int] | None = None) -> Bunch:
    """Read DATA, see `read_faces`."""
    found = source.format
    if source.data is None:
        found = "drawn faces"
    elif found == "auto":
        found = find_format(check_path(source.data), ferplus=source.ferplus)
    is_images = source.data is not None and DATA_SETS[found].takes("image_size")
    given = {
        "--classes": source.classes is not None and found != "image_folder",
        "--image-size": source.image_size is not None and not is_images,
        "--color": source.color and not is_images,
        "--format": source.format not in ("auto", found),
    }
    for_what = {"--classes": "class folders", "--format": "a file or folder"}
    for option, is_given in given.items():
        if is_given:
            raise typer.BadParameter(
                f"it is only for {for_what.get(option, 'images')}, but DATA has the format "
                f"{found!r}",
                param_hint=option,
            )
    if source.data is None:
        return _draw(source.seed)
    options: dict[str, Any] = {}
    if is_images:
        size = (source.image_size, source.image_size) if source.image_size else None
        options = {
            "image_size": image_shape[:2] if image_shape else size,
            "color": source.color if image_shape is None else image_shape[2] == 3,
        }
    if found == "image_folder" and source.folder_names is not None:
        options["names"] = source.folder_names
    elif found == "image_folder":
        options["classes"] = source.class_names
    on_error = "skip" if source.skip_bad else "raise"
    return load_faces(
        source.data, format=found, ferplus=source.ferplus, on_error=on_error, **options
    )


def _draw(seed: int) -> Bunch:
    faces: Any = make_faces(N_FACES, return_X_y=False, random_state=seed)
    return Bunch(
        **faces,
        usage=None,
        groups=None,
        groups_kind=None,
        skipped=[],
        not_read={},
        format="drawn faces",
    )
