"""From DATA to images in splits, and what to say of them."""

import shlex
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sk_fer._cli._splits import assign_splits, stratified_share
from sk_fer.datasets import load_faces, make_faces
from sk_fer.datasets._checks import check_path
from sk_fer.datasets._load import find_format

# With the epochs of _train.py, about a minute of training on two slow cores.
N_FACES = 1000


@dataclass(frozen=True)
class Source:
    """What the command line says of the data."""

    data: Path | None = None
    ferplus: Path | None = None
    classes: str | None = None
    image_size: int | None = None
    skip_bad: bool = False
    test_size: float = 0.1
    seed: int = 0

    @property
    def name(self) -> str:
        """What to call the data."""
        return f"drawn faces, seed {self.seed}" if self.data is None else str(self.data)

    def arguments(self) -> list[str]:
        """Return the arguments that name the same data again."""
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
    skipped: list[tuple[Any, str]]

    @cached_property
    def _assigned(self) -> tuple[NDArray, str]:
        return assign_splits(
            self.target,
            self.usage,
            self.groups,
            self.source.test_size,
            self.source.seed,
            self.source.name,
        )

    @property
    def splits(self) -> NDArray:
        """The split of each image: "train", "validation" or "test"."""
        return self._assigned[0]

    @property
    def split_note(self) -> str:
        """How the splits came about."""
        return self._assigned[1]

    @property
    def has_splits(self) -> bool:
        """Whether the data set itself says what is held out."""
        return self.usage is not None and len(set(self.usage.tolist())) > 1

    def rows(self, split: str, fraction: float = 1.0) -> NDArray[np.intp]:
        """Return the rows of a split, or a share of them, the same of each class."""
        if split == "all":
            return np.arange(len(self.target))
        rows = np.flatnonzero(self.splits == split)
        if not len(rows):
            raise ValueError(f"{self.source.name}: no {split} images")
        return stratified_share(rows, self.target[rows], fraction, self.source.seed)

    def part(self, split: str) -> tuple[NDArray[np.uint8], NDArray]:
        """Return the images of a split, flat, and their classes."""
        rows = self.rows(split)
        return self.images[rows].reshape(len(rows), -1), self.target[rows]

    def facts(self) -> dict[str, Any]:
        """Return what a report is to say of the data."""
        names, counts = np.unique(self.splits, return_counts=True)
        return {
            "source": self.source.name,
            "image_shape": self.images.shape[1:],
            "classes": self.target_names,
            "splits": dict(zip(names.tolist(), counts.tolist(), strict=True)),
            "split_note": self.split_note,
            "test_size": self.source.test_size,
            "seed": self.source.seed,
            "n_skipped": len(self.skipped),
        }

    def held_out(self) -> list[str]:
        """Return the splits to score on, those that have images."""
        return [split for split in ("validation", "test") if split in self.splits]


def read_faces(source: Source, *, image_shape: tuple[int, int, int] | None = None) -> Faces:
    """Read DATA.

    Parameters
    ----------
    source : Source
        What to read.
    image_shape : tuple of (height, width, channels), optional
        What a model wants; a class folder is read so.
    """
    if source.ferplus is not None and source.data is None:
        raise ValueError("--ferplus needs DATA, FER2013's own file")
    if str(source.data) in ("", "."):
        raise ValueError(f"DATA is {str(source.data)!r}; wanted a file or a folder of its own")
    faces = _load(source, image_shape)
    if faces.target is None:
        raise ValueError(f"{source.data}: the images have no labels")
    return Faces(
        source=source,
        images=faces.images,
        target=faces.target,
        target_names=faces.target_names,
        usage=faces.usage,
        groups=faces.groups,
        skipped=faces.skipped,
    )


def _load(source: Source, image_shape: tuple[int, int, int] | None) -> Bunch:
    if source.data is None:
        source_format = "drawn faces"
    else:
        source_format = find_format(check_path(source.data), ferplus=source.ferplus)
    folder: dict[str, Any] = {}
    if source_format == "image_folder":
        size = (source.image_size, source.image_size) if source.image_size else None
        folder = {
            "classes": source.classes.split(",") if source.classes else None,
            "image_size": image_shape[:2] if image_shape else size,
            "color": image_shape is not None and image_shape[2] == 3,
        }
    else:
        for option, value in (("--classes", source.classes), ("--image-size", source.image_size)):
            if value is not None:
                raise ValueError(f"{option} is for class folders, and {source.name} is none")
    if source.data is None:
        return _draw(source.seed)
    on_error = "skip" if source.skip_bad else "raise"
    return load_faces(source.data, ferplus=source.ferplus, on_error=on_error, **folder)


def _draw(seed: int) -> Bunch:
    faces: Any = make_faces(N_FACES, return_X_y=False, random_state=seed)
    return Bunch(**faces, usage=None, groups=None, skipped=[], not_read={}, format="drawn faces")
