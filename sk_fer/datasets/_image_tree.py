"""Finds the image files in a folder, and counts the other files."""

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sk_fer._utils._image_file import IMAGE_SUFFIXES, is_image

HIDDEN = "hidden"
"""The key in `ImageTree.not_read` of what the system or another program left in the folder."""

COPY = "copy"
"""The key in `ImageTree.not_read` of images that are also in a nested folder."""

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".ogv", ".ts", ".webm", ".wmv"),
)
"""The ends of the names of videos."""

_JUNK = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "picasa.ini"}
_JUNK_FOLDERS = {"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}
# Not opened to find out whether they are images: some data sets have a million of them.
_ANNOTATIONS = {".npy", ".txt", ".csv", ".json", ".xml", ".mat", ".pts", ".lst"}
_CKPLUS_FRAME = re.compile(r"(S\d+)_(\d+)_\d+(?!\d)", re.IGNORECASE)


class ImageFile(NamedTuple):
    """An image file: its path, the folders that it is in, and how to open it.

    The container is the file of the disk that contains it, such as an archive.
    """

    path: str
    folders: tuple[str, ...]
    open: Callable[[], BinaryIO]
    container: str

    @property
    def is_plain(self) -> bool:
        """Whether it is a file of its own, which other processes can open."""
        return self.container == self.path

    @property
    def place(self) -> str:
        """The path below the root, with slashes."""
        return "/".join((*self.folders, self.name))

    @property
    def name(self) -> str:
        """The name of the file without its folders."""
        return os.path.basename(self.path)

    @property
    def frame(self) -> tuple[str, str] | None:
        """Subject and sequence, if the file is named as those of CK+ are."""
        found = _CKPLUS_FRAME.match(self.name)
        return (found[1].upper(), f"{found[1].upper()}_{found[2]}") if found else None


@dataclass
class ImageTree:
    """The image files below a folder, in the order of their paths, and what is not read."""

    root: str
    images: list[ImageFile] = field(default_factory=list)
    not_read: Counter[str] = field(default_factory=Counter)

    @cached_property
    def is_folder(self) -> bool:
        """Whether the root is a folder, and not an archive."""
        return os.path.isdir(self.root)

    def add(self, path: str, folders: tuple[str, ...], open_file: Callable[[], BinaryIO]) -> None:
        """Add a file to the images, or count it where it is none."""
        name = os.path.basename(path)
        if name.startswith(".") or name.lower() in _JUNK or any(map(is_junk_folder, folders)):
            self.not_read[HIDDEN] += 1
        elif _is_image(name, open_file):
            container = path if self.is_folder else self.root
            self.images.append(ImageFile(path, folders, open_file, container))
        else:
            self.not_read[os.path.splitext(name)[1].lower() or name] += 1

    def is_ckplus(self) -> bool:
        """Whether most of the images are named as the frames of CK+48 are."""
        return 2 * sum(image.frame is not None for image in self.images) > len(self.images)

    def leave_out_copies(self) -> None:
        """Leave out images that are also in a nested folder, as in ``images/images/train``."""
        by_place = {(*image.folders, image.name): image for image in self.images}
        root = os.path.basename(self.root).lower()
        kept = []
        for image in self.images:
            above = (root, *map(str.lower, image.folders))
            others = [
                by_place.get((*image.folders[:i], *image.folders[i + 1 :], image.name))
                for i in range(len(image.folders))
                if above[i] == above[i + 1]
            ]
            if not any(other is not None and _are_equal(image, other) for other in others):
                kept.append(image)
        self.not_read[COPY] += len(self.images) - len(kept)
        self.not_read += Counter()  # without zeros
        self.images = kept

    def warn_of_not_read(self) -> None:
        """Warn of files that were not read, except hidden ones."""
        if self.not_read[COPY]:
            warnings.warn(
                f"{self.root}: {self.not_read[COPY]} image(s) were left out, since they lie a "
                "second time in a folder in a folder of the same name",
                stacklevel=5,
            )
        counts = sorted(
            (name, n) for name, n in self.not_read.items() if name not in (HIDDEN, COPY)
        )
        if counts:
            described = ", ".join(f"{n} {name}" for name, n in counts[:8])
            more = f" and {len(counts) - 8} other kinds" if len(counts) > 8 else ""
            hint = ""
            if any(name in (".heic", ".heif", ".hif") for name, _ in counts):
                hint = '; HEIC files require pip install ".[heic]" in the clone of sk_fer'
            if any(name in VIDEO_SUFFIXES for name, _ in counts):
                hint += "; to predict videos, give their names to sk-fer predict or predict_video"
            warnings.warn(
                f"{self.root}: {sum(n for _, n in counts)} file(s) were not read, since they are "
                f"not images of a known kind: {described}{more}{hint}",
                stacklevel=4,
            )


def _are_equal(one: ImageFile, other: ImageFile) -> bool:
    try:
        with one.open() as first, other.open() as second:
            return first.read() == second.read()
    except (OSError, ValueError):
        return False


def is_junk_folder(name: str) -> bool:
    """Whether a folder is hidden or made by a system for itself."""
    return name.startswith(".") or name.lower() in _JUNK_FOLDERS


def walk_folder(root: Path) -> ImageTree:
    """Return the image files below a folder."""
    tree = ImageTree(str(root))
    for path, folders in _files(root):
        tree.add(path, folders, partial(_open, path))
    return tree


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def _files(root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each file and the folders that contain it, sorted by name."""
    visited = set()
    for folder, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:  # a link back, or to a folder that is read anyway
            below.clear()
            continue
        visited.add(real)
        below.sort()
        folders = Path(folder).relative_to(root).parts
        for name in sorted(names):
            yield os.path.join(folder, name), folders


def _is_image(name: str, open_file: Callable[[], BinaryIO]) -> bool:
    suffix = os.path.splitext(name)[1].lower()
    if suffix in IMAGE_SUFFIXES or suffix in _ANNOTATIONS:
        return suffix in IMAGE_SUFFIXES
    try:
        with open_file() as file:
            return is_image(file.read(16))
    except (OSError, ValueError):
        return False
