"""Reads image files as uint8 arrays, and resizes images."""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features
from PIL.JpegImagePlugin import JpegImageFile

from sk_fer._utils._image_depth import is_deep_color, refuse_unscaled_color, to_eight_bits
from sk_fer._utils._image_heif import HEIF_SUFFIXES, is_heif, open_heif, reads_heif

MAX_PIXELS = 64_000_000
_MOST_PIXELS_OF_A_PHOTO = 24_000_000  # a larger JPEG file is decoded at a lower resolution

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


def read_photo(
    path: str | os.PathLike[str], *, several_frames: list[str] | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Read a photograph as RGB pixels in bounded memory, like `read_image`.

    JPEG files of more than 24 million pixels are decoded at a half, a quarter or an eighth of their
    size, so that they can have more than `MAX_PIXELS` pixels.

    Returns
    -------
    image : ndarray of shape (height, width, 3), dtype uint8
        The pixels.
    size : tuple of int
        The height and width of the photograph in the file.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        if file.read(3) != b"\xff\xd8\xff":
            file.seek(0)
            image = decode_image(file, path, color=True, several_frames=several_frames)
            return image, (image.shape[0], image.shape[1])
        file.seek(0)
        with _named_errors(path), JpegImageFile(file) as photo:  # Image.open has a limit of size
            width, height = photo.size
            is_turned = photo.getexif().get(ExifTags.Base.Orientation, 1) > 4
            if width * height > MAX_PIXELS and "progressive" in photo.info:
                raise ValueError(  # libjpeg would need memory for all pixels
                    f"it is a progressive JPEG file of {height} x {width} pixels, expected at "
                    f"most {MAX_PIXELS}"
                )
            for factor in (1, 2, 4, 8):
                if width * height <= _MOST_PIXELS_OF_A_PHOTO * factor**2:
                    break
            photo.draft(None, (width // factor, height // factor))
            image = _to_checked_pixels(photo, color=True)
    return image, ((width, height) if is_turned else (height, width))


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
    with _named_errors(name):
        head = file.read(16)
        file.seek(0)
        if not head:
            raise ValueError("the file is empty")
        image = open_heif(file) if is_heif(head) else Image.open(file, formats=_FORMATS)
        return _decode(image, name, color, several_frames)


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


def to_pillow(image: Any) -> Image.Image:
    """Return an image of Pillow, or an array of pixels as one.

    Raises
    ------
    ValueError
        If it is neither, or an array of another type than uint8 or of another shape than
        (height, width) or (height, width, n_channels) with 1, 3 or 4 channels.
    """
    if isinstance(image, Image.Image):
        return image
    array = np.asarray(image)
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if array.dtype != np.uint8 or not is_image or not array.size:
        raise ValueError(
            f"got an array of {array.dtype} and shape {array.shape}, expected uint8, 0 to 255, of "
            "shape (height, width) or (height, width, 3)"
        )
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)


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


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Convert the errors of decoders to errors that contain `name`."""
    with _warnings_ignored:  # the checks of this module cover the warnings of Pillow
        try:
            yield
        except UnidentifiedImageError:
            known = ", ".join(_FORMATS)
            raise ValueError(
                f"{name}: not a readable image, its format is none of {known}"
            ) from None
        except Image.DecompressionBombError as error:
            given = re.search(r"\d+ pixels", str(error))  # of "Image size (3600000000 pixels) ..."
            raise ValueError(
                f"{name}: not a readable image, it has {given[0] if given else 'too many pixels'}, "
                f"expected at most {MAX_PIXELS}"
            ) from error
        except Exception as error:  # decoders raise errors of many classes for damaged files
            reason = " ".join(f"{error!s:.200}".split()) or type(error).__name__
            raise ValueError(f"{name}: not a readable image, {reason}") from error


def _decode(
    image: Image.Image, name: str, color: bool, several_frames: list[str] | None
) -> np.ndarray:
    with image:
        is_paged = image.format in _PAGED and getattr(image, "n_frames", 1) > 1
        pixels = _to_checked_pixels(image, color=color)
    if is_paged and several_frames is not None:
        several_frames.append(name)
    return pixels


def _to_checked_pixels(image: Image.Image, *, color: bool) -> np.ndarray:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError(f"it has {height} x {width} pixels, expected at most {MAX_PIXELS}")
    return to_pixels(image, color=color, in_place=True)
