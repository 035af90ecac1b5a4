"""From DATA to images in splits, and what to say of them."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sk_fer._cli._splits import assign_splits, stratified_share
from sk_fer.datasets import (
    load_ckplus,
    load_fer2013,
    load_ferplus,
    load_image_folder,
    make_faces,
)
from sk_fer.datasets._csv_file import find_csv

# With the epochs of _train.py, about a minute of training on two slow cores.
N_FACES = 1000

_CKPLUS_FILE = re.compile(r"S\d+_\d+_\d+\.png")


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
        target_names=[name for name in faces.target_names if name in set(faces.target)],
        usage=faces.usage,
        groups=faces.groups,
        skipped=faces.skipped,
    )


def _load(source: Source, image_shape: tuple[int, int, int] | None) -> Bunch:
    on_error = "skip" if source.skip_bad else "raise"
    load = _known_form(source, on_error)
    if load is not None:
        for option, value in (("--classes", source.classes), ("--image-size", source.image_size)):
            if value is not None:
                raise ValueError(f"{option} is for class folders, and {source.name} is none")
        return load()
    assert source.data is not None  # drawn faces have a known form
    size = (source.image_size, source.image_size) if source.image_size else None
    return load_image_folder(
        source.data,
        classes=source.classes.split(",") if source.classes else None,
        image_size=image_shape[:2] if image_shape else size,
        color=image_shape is not None and image_shape[2] == 3,
        on_error=on_error,
    )


def _known_form(source: Source, on_error: str) -> Callable[[], Bunch] | None:
    """Return what loads DATA, or None where it is a folder of class folders."""
    path = source.data
    if path is None:
        return partial(_draw, source.seed)
    if source.ferplus is not None:
        return partial(load_ferplus, path, source.ferplus, subset="all", on_error=on_error)
    if path.stem == "ckextended":
        return partial(load_ckplus, path, on_error=on_error)
    if not path.is_dir() or find_csv(path) is not None:
        return partial(load_fer2013, path, subset="all", on_error=on_error)
    if _is_ckplus(path):
        return partial(load_ckplus, path, on_error=on_error)
    return None


def _draw(seed: int) -> Bunch:
    faces: Any = make_faces(N_FACES, return_X_y=False, random_state=seed)
    return Bunch(
        images=faces.images,
        target=faces.target,
        target_names=sorted(faces.target_names),
        usage=None,
        groups=None,
        skipped=[],
    )


def _is_ckplus(folder: Path) -> bool:
    names = [path.name for path in folder.rglob("*.png")]
    return bool(names) and all(map(_CKPLUS_FILE.fullmatch, names))
