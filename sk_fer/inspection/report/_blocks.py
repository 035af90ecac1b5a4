"""What the sections of a report consist of."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150
_FACE = 96  # pixels on the longer side of a face


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Commands:
    """Lines for a terminal."""

    kind: ClassVar[str] = "commands"
    lines: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """A table. The first cell of each row names the row."""

    kind: ClassVar[str] = "grid"
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_open: bool = True

    def is_numeric(self, column: int) -> bool:
        """Return whether the cells of a column are numbers, shares or dashes."""
        cells = [row[column].strip("%").replace(",", "") for row in self.rows]
        return all(cell == "-" or cell.replace(".", "", 1).isdigit() for cell in cells)


@dataclass(frozen=True)
class Picture:
    """A plot as a data URI."""

    kind: ClassVar[str] = "picture"
    uri: str
    alt: str
    width: int
    height: int

    @classmethod
    def of(cls, figure: Figure, alt: str) -> Picture:
        """Return a figure of matplotlib as a picture."""
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=_DPI, facecolor="white")
        width, height = (round(100 * inches) for inches in figure.get_size_inches())
        return cls(_data_uri(file.getvalue()), alt, width, height)


@dataclass(frozen=True)
class Face:
    """A face as a data URI, with a text below it."""

    uri: str
    text: str
    note: str = ""

    @classmethod
    def of(cls, image: NDArray, text: str, note: str = "") -> Face:
        """Return an image, as uint8 or as float from 0 to 1, with a text and a second line."""
        pixels = image if image.dtype == np.uint8 else np.round(255 * image).astype(np.uint8)
        picture = Image.fromarray(pixels)
        factor = _FACE / max(picture.size)
        size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        file = io.BytesIO()
        picture.resize(size, Image.Resampling.BICUBIC).save(file, format="png", optimize=True)
        return cls(_data_uri(file.getvalue()), text, note)


@dataclass(frozen=True)
class Faces:
    """Faces with their texts."""

    kind: ClassVar[str] = "faces"
    caption: str
    faces: Sequence[Face]


Block = Text | Commands | Grid | Picture | Faces


def grid_of(caption: str, pairs: Iterable[tuple[Any, Any]], columns: Sequence[str]) -> Grid:
    """Return a table of two columns."""
    return Grid(caption, columns, [(str(name), str(value)) for name, value in pairs])


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of this size in inches that pyplot does not know."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def share(value: float) -> str:
    """Return a share in percent, or a dash if there is none."""
    return "-" if np.isnan(value) else f"{value:.1%}"


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
