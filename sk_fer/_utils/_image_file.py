"""Reads image files as uint8 arrays, and resizes images."""

from __future__ import annotations

import os
import threading
import warnings
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from sk_fer._utils._image_depth import is_deep_color, refuse_unscaled_color, to_eight_bits
from sk_fer._utils._image_heif import HEIF_SUFFIXES, is_heif, open_heif, reads_heif

MAX_PIXELS = 64_000_000

# Pillow recognizes formats by their content, and would run an interpreter for PostScript.
_FORMATS = (
    *("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP"),
    *(("AVIF",) if features.check("avif") else ()),
)

IMAGE_SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".pgm", ".ppm", ".pnm", ".pbm", ".pfm", ".jp2", ".j2k"),
    *((".avif",) if "AVIF" in _FORMATS else ()),
    *(HEIF_SUFFIXES if reads_heif() else ()),
}
"""The suffixes of the files that `read_image` reads."""

_SIGNATURES = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
)
_SCALED = {"PPM", "JPEG2000"}  # the file says which value is white, and Pillow scales to 16 bits
_PAGED = {"GIF", "PNG", "WEBP", "TIFF", "AVIF"}  # the second picture of a JPEG is a thumbnail


def is_image(head: bytes) -> bool:
    """Whether `read_image` reads files that begin with these 16 bytes."""
    if head[4:8] == b"ftyp":
        return (head[8:12] == b"avif" and ".avif" in IMAGE_SUFFIXES) or (
            is_heif(head) and reads_heif()
        )
    return (
        head.startswith(_SIGNATURES)
        or (head[:2] == b"BM" and head[6:10] == bytes(4))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace())
    )


def read_image(
    path: str | os.PathLike[str], *, color: bool = False, several_frames: list[str] | None = None
) -> np.ndarray:
    """Read an image file as gray or RGB pixels.

    The EXIF orientation is applied, transparent parts become white, and images of more than 8 bits
    are scaled by their type. If a file has several frames, the first one is read.

    Parameters
    ----------
    path : str or path-like
        The file.
    color : bool, default=False
        Whether to return RGB rather than gray.
    several_frames : list of str, default=None
        A list to which the path is added if the file has more than one frame.

    Returns
    -------
    image : ndarray of shape (height, width) or (height, width, 3), dtype uint8
        The pixels, in gray or RGB.

    Raises
    ------
    ValueError
        If the file is empty, damaged, not an image, or larger than `MAX_PIXELS`, or if the scale of
        its values is not known.
    OSError
        If the file does not exist or cannot be read.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        return decode_image(file, path, color=color, several_frames=several_frames)


class Header(NamedTuple):
    """What the header of an image file says."""

    height: int
    width: int
    format: str
    mode: str


def read_header(path: str | os.PathLike[str]) -> Header | None:
    """Return what the header of an image file says, or None if it is not a readable image."""
    with _warnings_ignored:
        try:
            with Image.open(path, formats=_FORMATS) as image:
                width, height = image.size
                return Header(height, width, str(image.format), image.mode)
        except Exception:  # on damaged files Pillow raises nearly anything
            return None


def decode_image(
    file: BinaryIO, name: str, *, color: bool = False, several_frames: list[str] | None = None
) -> np.ndarray:
    """Read an image from an open file, like `read_image`. Error messages contain `name`."""
    with _warnings_ignored:  # the checks below cover the warnings of Pillow
        head = file.read(16)
        file.seek(0)
        if not head:
            raise ValueError(f"{name}: not a readable image, the file is empty")
        try:
            if is_heif(head):
                return _decode(open_heif(file), name, color, several_frames)
            return _decode(Image.open(file, formats=_FORMATS), name, color, several_frames)
        except UnidentifiedImageError:
            known = ", ".join(_FORMATS)
            raise ValueError(
                f"{name}: not a readable image, its format is none of {known}"
            ) from None
        except Exception as error:  # decoders raise errors of many classes for damaged files
            reason = " ".join(f"{error!s:.200}".split()) or type(error).__name__
            raise ValueError(f"{name}: not a readable image, {reason}") from error


def to_pixels(image: Image.Image, *, color: bool, in_place: bool = False) -> np.ndarray:
    """Return the pixels of a Pillow image, like `read_image`.

    With `in_place`, the image may be changed, which needs less memory.
    """
    is_deep, may_be_dark = is_deep_color(image), image.format in _SCALED
    if in_place:
        ImageOps.exif_transpose(image, in_place=True)
    else:
        image = ImageOps.exif_transpose(image)
    if is_deep:
        refuse_unscaled_color(image)
    return np.array(to_eight_bits(image, may_be_dark=may_be_dark).convert("RGB" if color else "L"))


def warn_of_several_frames(names: list[str]) -> None:
    """Warn of files with several frames, if there are any."""
    if names:
        warnings.warn(
            f"{len(names)} image file(s) have several frames or pages, of which only the first was "
            f"read, for example {names[0]}",
            stacklevel=4,
        )


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image, with antialiasing if it becomes smaller.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, n_channels)
        The image, uint8 or float32.
    size : tuple of int
        The new height and width.

    Returns
    -------
    image : ndarray of shape (*size,) or (*size, n_channels)
        The resized image, with the dtype of `image`.
    """
    if image.ndim == 3:
        channels = [resize_image(channel, size) for channel in np.moveaxis(image, -1, 0)]
        return np.stack(channels, axis=-1)
    height, width = size
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR))


class _WarningsIgnored:
    """``warnings.catch_warnings`` for several threads. The last thread restores the filters."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._n_inside:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
            self._n_inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                self._caught.__exit__(None, None, None)


_warnings_ignored = _WarningsIgnored()


def _decode(
    image: Image.Image, name: str, color: bool, several_frames: list[str] | None
) -> np.ndarray:
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"it has {height} x {width} pixels, expected at most {MAX_PIXELS}")
        is_paged = image.format in _PAGED and getattr(image, "n_frames", 1) > 1
        pixels = to_pixels(image, color=color, in_place=True)
    if is_paged and several_frames is not None:
        several_frames.append(name)
    return pixels
