"""Image files read into one array, in memory or in a file, by several processes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, cpu_count, delayed

from sk_fer._utils._digest import digest
from sk_fer._utils._image_file import decode_image, resize_image
from sk_fer.datasets._checks import HOW_TO_SKIP
from sk_fer.datasets._image_cache import CHUNK, ImageCache
from sk_fer.datasets._image_tree import ImageFile

Box = tuple[float, float, float, float]
Face = tuple[ImageFile, Box | None]

_FEW = 2_000  # images that are read without a progress bar
_LONG = 20.0  # seconds of reading from which processes are worth their start
_CHUNKS_A_PROCESS = 4  # that are read before their results are used
_LARGE = 1 << 30  # bytes of images from which cache="auto" is True


@dataclass(frozen=True)
class ImageSettings:
    """The size that images are resized to, (height, width) or None, and colours or gray."""

    size: tuple[int, int] | None
    color: bool


class Reading(NamedTuple):
    """The good images, their positions among the faces, the bad ones and why they are bad."""

    images: np.ndarray
    kept: np.ndarray
    skipped: list[tuple[str, str]]
    several_frames: list[str]


class SizesDifferError(ValueError):
    """Two images have different sizes."""


class _Chunk(NamedTuple):
    pixels: np.ndarray | None  # zeros for bad images; None if they were written to a file
    digest: bytes
    bad: dict[int, str]
    several_frames: list[str]
    error: Exception | None = None  # returned, so that the first one in the order is raised


def read_images(
    faces: Sequence[Face],
    settings: ImageSettings,
    *,
    root: str,
    on_error: str,
    cache: bool | str,
    data_home: str | os.PathLike[str] | None,
) -> Reading:
    """Read the images of faces.

    Parameters
    ----------
    faces : sequence of (ImageFile, box)
        The files, and the left, top, right and bottom edge of the face in each, or None.
    settings : ImageSettings
        The size and the colours of the images that are returned.
    root : str
        Where the files are, for messages and for the name of the cache.
    on_error, cache, data_home
        As in `load_labelled_images`.

    Returns
    -------
    reading : Reading
        The images are a memory map if they are cached.

    Raises
    ------
    ValueError
        If an image is bad and `on_error` is "raise", if none is good, or if the sizes differ.
    """
    shape = _shape_of_first(faces, settings, root, on_error)
    job = _Job(settings, shape, faces[0][0].path, on_error)
    n_bytes = len(faces) * math.prod(shape)
    if cache is True or (cache == "auto" and n_bytes > _LARGE):
        reading = _read_into_file(job, faces, ImageCache(root, faces, settings, shape, data_home))
    else:
        reading = _read_into_memory(job, faces)
    if not len(reading.kept):
        raise ValueError(
            f"{root}: none of {len(faces)} images is good, the first: {reading.skipped[0][1]}"
        )
    return reading


def _read_into_memory(job: _Job, faces: Sequence[Face]) -> Reading:
    images = np.empty((len(faces), *job.shape), dtype=np.uint8)
    reading = Reading(images, np.arange(len(faces)), [], [])
    bad: list[int] = []
    n_good = 0
    chunks = np.split(reading.kept, range(CHUNK, len(faces), CHUNK))
    for positions, chunk in _read_chunks(job, faces, chunks):
        assert chunk.pixels is not None
        pixels = np.delete(chunk.pixels, list(chunk.bad), axis=0) if chunk.bad else chunk.pixels
        images[n_good : n_good + len(pixels)] = pixels
        n_good += len(pixels)
        for i, text in chunk.bad.items():
            bad.append(positions[i])
            reading.skipped.append((faces[positions[i]][0].path, text))
        reading.several_frames.extend(chunk.several_frames)
    return reading._replace(images=images[:n_good], kept=np.delete(reading.kept, bad))


def _read_into_file(job: _Job, faces: Sequence[Face], cache: ImageCache) -> Reading:
    several_frames: list[str] = []
    with cache.opened():
        into = (str(cache.path), cache.offset)
        for positions, chunk in _read_chunks(
            job, faces, cache.chunks_to_read(), into, cache.row_of
        ):
            cache.note(positions, chunk.digest, chunk.bad)
            several_frames += chunk.several_frames
        images, kept = cache.finish()
    bad = [faces[i] for i in np.setdiff1d(np.arange(len(faces)), kept).tolist()]
    again = job.read(bad)
    if again.error is not None:
        raise again.error
    reasons = again.bad
    skipped = [(bad[i][0].path, text) for i, text in reasons.items()]
    return Reading(images, kept, skipped, several_frames)


@dataclass(frozen=True)
class _Job:
    """How to read the images of a chunk. It is sent to the processes."""

    settings: ImageSettings
    shape: tuple[int, ...]
    first: str
    on_error: str

    def read(
        self, faces: Sequence[Face], into: tuple[str, int] | None = None, row: int = 0
    ) -> _Chunk:
        """Read a few images, and write them to a file at the place of the first one's row."""
        pixels = np.zeros((len(faces), *self.shape), dtype=np.uint8)
        bad: dict[int, str] = {}
        several_frames: list[str] = []
        for position, (file, box) in enumerate(faces):
            try:
                image = _read_face(file, box, self.settings, several_frames)
            except (OSError, ValueError) as error:
                if self.on_error == "raise":
                    return _Chunk(None, b"", bad, several_frames, _advised(error))
                bad[position] = str(error)
                continue
            if image.shape != self.shape:
                message = (
                    f"{self.first} has {_size(self.shape)} pixels, {file.path} has "
                    f"{_size(image.shape)}; image_size=(height, width) (of sk-fer: --image-size) "
                    "resizes them to one size"
                )
                return _Chunk(None, b"", bad, several_frames, SizesDifferError(message))
            pixels[position] = image
        if into is None:
            return _Chunk(pixels, b"", bad, several_frames)
        path, offset = into
        with open(path, "rb+") as file_of_images:
            file_of_images.seek(offset + row * math.prod(self.shape))
            file_of_images.write(pixels.data)
        return _Chunk(None, bytes.fromhex(digest(pixels.data)), bad, several_frames)


def _read_chunks(
    job: _Job,
    faces: Sequence[Face],
    chunks: Sequence[np.ndarray],
    into: tuple[str, int] | None = None,
    row_of: Callable[[int], int] = int,
) -> Iterator[tuple[np.ndarray, _Chunk]]:
    """Read chunks of faces, and yield them in their order.

    The first chunk is read here. If the others take long, processes are started for them, which
    takes some seconds.
    """
    if not chunks:
        return
    n_images = sum(map(len, chunks))
    n_processes, n_done, begun = 1, 0, time.perf_counter()
    with ExitStack() as stack:
        advance = stack.enter_context(_progress(n_images))
        parallel = Parallel(n_jobs=1)
        while n_done < len(chunks):
            seconds_left = (time.perf_counter() - begun) * (len(chunks) - 1)
            if n_done == 1 and seconds_left > _LONG and faces[0][0].is_plain:
                n_processes = int(cpu_count())
                parallel = stack.enter_context(Parallel(n_jobs=n_processes))
            n_at_once = 1 if n_processes == 1 else _CHUNKS_A_PROCESS * n_processes
            part = chunks[n_done : n_done + n_at_once]
            read = parallel(
                delayed(job.read)([faces[i] for i in positions], into, row_of(positions[0]))
                for positions in part
            )
            n_done += len(part)
            for positions, chunk in zip(part, read, strict=True):
                if chunk.error is not None:
                    raise chunk.error
                advance(len(positions))
                yield positions, chunk


def _read_face(
    file: ImageFile, box: Box | None, settings: ImageSettings, several_frames: list[str]
) -> np.ndarray:
    """Read an image, crop it to the box, and resize it."""
    with file.open() as opened:
        image = decode_image(opened, file.path, color=settings.color, several_frames=several_frames)
    if box is not None:
        image = _crop(image, box, file.path)
    if settings.size is not None and image.shape[:2] != settings.size:
        image = resize_image(image, settings.size)
    return image


def _crop(image: np.ndarray, box: Box, name: str) -> np.ndarray:
    height, width = image.shape[:2]
    left, right = (min(max(round(edge), 0), width) for edge in (box[0], box[2]))
    top, bottom = (min(max(round(edge), 0), height) for edge in (box[1], box[3]))
    if right <= left or bottom <= top:
        shown = ", ".join(f"{edge:g}" for edge in box)
        raise ValueError(
            f"{name}: the box (left, top, right, bottom) = ({shown}) contains no pixel of the "
            f"image, which has {_size(image.shape)} pixels"
        )
    return image[top:bottom, left:right]


def _shape_of_first(
    faces: Sequence[Face], settings: ImageSettings, root: str, on_error: str
) -> tuple[int, ...]:
    """Return the shape of the first good image."""
    if settings.size is not None:
        return (*settings.size, 3) if settings.color else settings.size
    first: Exception | None = None
    for file, box in faces:
        try:
            return _read_face(file, box, settings, []).shape
        except (OSError, ValueError) as error:
            if on_error == "raise":
                raise _advised(error) from error
            first = first or error
    raise ValueError(f"{root}: none of {len(faces)} images is good, the first: {first}")


def _advised(error: Exception) -> Exception:
    return error if isinstance(error, OSError) else ValueError(f"{error}; {HOW_TO_SKIP}")


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]}"


@contextmanager
def _progress(n_images: int) -> Iterator[Callable[[int], Any]]:
    """Show on the terminal how many images are read; yield a function that counts them."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(
        "Reading images",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=n_images <= _FEW or not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=n_images)
        yield lambda n: bar.advance(task, n)
