"""Image files to uint8 arrays, and images brought to one size."""

from __future__ import annotations

import os
import threading
import warnings
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
MAX_PIXELS = 64_000_000

# Pillow goes by content, not by name, and would hand PostScript to an interpreter.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


def read_image(path: str | os.PathLike[str], *, color: bool = False) -> np.ndarray:
    """Read an image file as it is meant to be seen.

    The EXIF orientation is honoured, transparent parts become white, 16-bit images lose their
    lower byte, and an animated file gives its first frame.

    Parameters
    ----------
    path : str or path-like
        The file.
    color : bool, default=False
        Whether to return RGB rather than gray.

    Returns
    -------
    image : ndarray of shape (height, width) or (height, width, 3), dtype uint8
        Gray, or RGB if `color`.

    Raises
    ------
    ValueError
        If the file is empty, damaged, not an image, or larger than `MAX_PIXELS`.
    OSError
        If the file is missing or may not be read.
    """
    path = os.fspath(path)
    with open(path, "rb") as file, _warnings_ignored:  # what Pillow warns of is mended or refused
        if not os.fstat(file.fileno()).st_size:
            raise ValueError(f"{path}: not a readable image, the file is empty")
        try:
            return _decode(file, "RGB" if color else "L")
        except UnidentifiedImageError:
            known = ", ".join(_FORMATS)
            raise ValueError(
                f"{path}: not a readable image, its content is none of {known}"
            ) from None
        except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
            reason = " ".join(f"{error!s:.200}".split()) or type(error).__name__
            raise ValueError(f"{path}: not a readable image, {reason}") from error


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring an image to a size, antialiased where it shrinks.

    Parameters
    ----------
    image : ndarray of shape (height, width) or (height, width, n_channels)
        Of dtype uint8 or float32, which is kept.
    size : tuple of int
        Height and width wanted.

    Returns
    -------
    image : ndarray of shape (*size,) or (*size, n_channels)
        A new array.
    """
    if image.ndim == 3:
        channels = [resize_image(channel, size) for channel in np.moveaxis(image, -1, 0)]
        return np.stack(channels, axis=-1)
    height, width = size
    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR))


class _WarningsIgnored:
    """``warnings.catch_warnings`` for threads side by side: the last one out restores."""

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


def _decode(file: BinaryIO, mode: str) -> np.ndarray:
    with Image.open(file, formats=_FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ValueError(f"it has {height} x {width} pixels, at most {MAX_PIXELS} are read")
        ImageOps.exif_transpose(image, in_place=True)  # a copy would take as much memory again
        return np.array(_to_eight_bits(image).convert(mode))


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Return an image that converts to gray or RGB as the eye would have it."""
    if image.mode.startswith("I"):  # Pillow's own conversion cuts at 255
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(
            white, image if image.mode == "RGBA" else image.convert("RGBA")
        )
    return image.convert("RGB") if image.mode == "CMYK" else image
