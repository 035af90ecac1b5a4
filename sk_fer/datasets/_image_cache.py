"""Images read from many files, stored in one file that is used as a memory map."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import get_data_home

from sk_fer._utils._digest import block_digests, digest
from sk_fer.datasets._image_tree import ImageFile

CHUNK = 64
"""The number of images that are read, written and checked together."""

_FORMAT = 1
_PAGE = 4096
_UNREAD, _GOOD, _BAD = 0, 1, 2


class ImageCache:
    """A file of images, a page with its key, the state of each image, and SHA-256 of each chunk.

    A chunk whose checksum is not that of its images is read again. Therefore a reading that was
    killed continues where it was, and damage is mended.

    Parameters
    ----------
    root : str
        Where the images are from. The name of the file is made from it.
    faces : sequence of (ImageFile, box)
        The image files. The cache is invalid if the name, size or time of one has changed.
    settings : object
        What else the images depend on.
    shape : tuple of int
        The shape of an image.
    data_home : str or path-like, default=None
        The data home of scikit-learn; the file is in its folder ``sk_fer``.
    """

    def __init__(
        self,
        root: str,
        faces: Sequence[tuple[ImageFile, Any]],
        settings: object,
        shape: tuple[int, ...],
        data_home: str | os.PathLike[str] | None = None,
    ) -> None:
        self.shape = (len(faces), *shape)
        self._key = _key_of(faces, settings, self.shape)
        folder = Path(get_data_home(data_home)) / "sk_fer"
        folder.mkdir(exist_ok=True)
        name = digest(os.path.abspath(root), repr(settings), repr(len(faces)))[:16]
        self.path = folder / f"{Path(root).stem}-{name}.images"
        self._n_chunks = -(-len(faces) // CHUNK)
        used = _PAGE + len(faces) + 32 * self._n_chunks
        self.offset = -(-used // _PAGE) * _PAGE
        self.n_bytes = self.offset + math.prod(self.shape)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the file for this process alone, and make it if it is not the right one."""
        from filelock import FileLock

        with FileLock(f"{self.path}.lock"):
            header = self._header()
            if header.get("key") != self._key or self.path.stat().st_size != self.n_bytes:
                header = self._create()
            self._state = self._map(np.uint8, _PAGE, (self.shape[0],))
            self._digests = self._map(np.uint8, _PAGE + self.shape[0], (self._n_chunks, 32))
            self._images = self._map(np.uint8, self.offset, self.shape)
            # The positions of the images in the file: all, or the good ones once all were read.
            self._positions = np.arange(self.shape[0])
            if header["without_gaps"]:
                self._positions = np.flatnonzero(self._state == _GOOD)
            yield

    def chunks_to_read(self) -> list[np.ndarray]:
        """Return the positions of the chunks that are missing or have another checksum."""
        chunks = np.split(self._positions, range(CHUNK, len(self._positions), CHUNK))
        written = np.flatnonzero(self._digests.any(axis=1)).tolist()
        found = block_digests(self._read_chunk, written)
        right = {
            i for i, each in zip(written, found, strict=True) if each == self._digests[i].tobytes()
        }
        missing = [i for i in range(len(chunks)) if i not in right]
        if missing:
            height, width = self.shape[1:3]
            done = f", {len(chunks) - len(missing)} of {len(chunks)} parts are there"
            print(
                f"Reading {self.shape[0]:,} images of {height} x {width} pixels into {self.path}, "
                f"{self.n_bytes / 1e9:.3g} GB{done if len(missing) < len(chunks) else ''}",
                file=sys.stderr,
            )
        return [chunks[i] for i in missing]

    def row_of(self, position: int) -> int:
        """Return the row in the file of the image at a position."""
        return int(np.searchsorted(self._positions, position))

    def note(self, positions: np.ndarray, checksum: bytes, bad: Iterable[int]) -> None:
        """Store that a chunk was written, and which of its images are bad."""
        self._state[positions] = _GOOD
        self._state[positions[list(bad)]] = _BAD
        self._digests[self.row_of(positions[0]) // CHUNK] = np.frombuffer(checksum, np.uint8)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the good images as a read-only memory map, and their positions."""
        good = np.flatnonzero(self._state == _GOOD)
        if len(good) < len(self._positions):
            self._close_gaps(good)
        images = np.memmap(self.path, np.uint8, "r", self.offset, (len(good), *self.shape[1:]))
        return images, good

    def _close_gaps(self, good: np.ndarray) -> None:
        """Move the good images over the bad ones, so that no copy in memory is needed.

        The file has no key until this is done. If the process is killed, all images are read again.
        """
        self._write_header("", without_gaps=True)
        self._digests[:] = 0
        for i, start in enumerate(range(0, len(good), CHUNK)):
            part = self._images[good[start : start + CHUNK]]
            self._images[start : start + len(part)] = part
            self._digests[i] = np.frombuffer(bytes.fromhex(digest(part.data)), np.uint8)
        self._images.flush()
        self._write_header(self._key, without_gaps=True)

    def _read_chunk(self, number: int) -> bytes:
        """Return the bytes of a chunk, read and not mapped, so that they do not stay in memory."""
        start, stop = number * CHUNK, min((number + 1) * CHUNK, len(self._positions))
        size = math.prod(self.shape[1:])
        with self.path.open("rb") as file:
            file.seek(self.offset + start * size)
            return file.read((stop - start) * size)

    def _map(self, dtype: Any, offset: int, shape: tuple[int, ...]) -> np.memmap:
        return np.memmap(self.path, dtype, "r+", offset, shape)

    def _header(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                return dict(json.loads(file.read(_PAGE).rstrip(b"\0")))
        except (OSError, ValueError, TypeError):
            return {}  # missing or damaged: it will be written again

    def _create(self) -> dict[str, Any]:
        self.path.unlink(missing_ok=True)
        free = shutil.disk_usage(self.path.parent).free
        if self.n_bytes > free:
            raise OSError(
                errno.ENOSPC,
                f"the images take {self.n_bytes / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free; "
                "data_home= names another folder, and a smaller image_size= takes less",
                str(self.path),
            )
        with self.path.open("wb") as file:
            file.truncate(self.n_bytes)
        return self._write_header(self._key, without_gaps=False)

    def _write_header(self, key: str, *, without_gaps: bool) -> dict[str, Any]:
        header = {"key": key, "without_gaps": without_gaps}
        with self.path.open("rb+") as file:
            file.write(json.dumps(header).encode().ljust(_PAGE, b"\0"))
        return header


def _key_of(
    faces: Sequence[tuple[ImageFile, Any]], settings: object, shape: tuple[int, ...]
) -> str:
    """Return a digest of all that the images depend on."""
    described: list[bytes | str] = [repr((_FORMAT, settings, shape))]
    times: dict[str, str] = {}
    for file, box in faces:
        if file.container not in times:
            status = os.stat(file.container)
            times[file.container] = f"{status.st_size} {status.st_mtime_ns}"
        line = f"{file.path}\0{times[file.container]}\0{box}\n"
        described.append(line.encode(errors="replace"))
    return digest(*described)
