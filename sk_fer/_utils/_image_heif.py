"""Reads HEIC and HEIF files with pillow-heif, which the extra ``heic`` installs."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import BinaryIO

from PIL import Image

HEIF_SUFFIXES = (".heic", ".heif", ".hif")

_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@cache
def reads_heif() -> bool:
    """Whether pillow-heif is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def is_heif(head: bytes) -> bool:
    """Whether a file that begins with these 16 bytes is a HEIF file."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS


def open_heif(file: BinaryIO) -> Image.Image:
    """Open the main image of a HEIF file, in its orientation."""
    if not reads_heif():
        raise ValueError(
            'HEIF files require pillow-heif: run pip install ".[heic]" in the clone of sk_fer'
        )
    from pillow_heif import open_heif

    return open_heif(file).to_pillow()
