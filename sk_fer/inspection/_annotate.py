"""Photographs with the boxes and the expressions of their faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._layout import SIDE
from sk_fer.estimators._predict_faces import BEFORE_CLASSES, NO_FACE
from sk_fer.faces._photo import each_cell, open_photo

if TYPE_CHECKING:
    import pandas as pd

_SIDES = (480, 1600)  # pictures are enlarged to the first, and reduced to the second
_TEXT = 0.028  # its height as a fraction of the longest side
_MOST_WITH_BARS = 4  # faces; more of them have their most probable class only
_BOX, _BAR, _BACK, _INK = (255, 196, 0), (0, 120, 190), (16, 16, 16), (255, 255, 255)

_Place = tuple[float, float]


@validate_params({"top": [SIDE]})
def annotate_faces(photo: Any, table: pd.DataFrame, *, top: int = 3) -> Image.Image:
    """Draw the boxes of the faces in a photograph, with their most probable classes as bars.

    Photographs with a longest side of more than 1600 pixels are reduced to it, and those of less
    than 480 pixels are enlarged. If there are several faces, each has its number in the column
    ``face``. If there are more than four, each has the name of its most probable class only.

    Parameters
    ----------
    photo : path, Image or ndarray of shape (height, width) or (height, width, 3)
        The photograph: an image file, an image of Pillow, or an array of uint8.
    table : DataFrame
        The rows of this photograph in the table that :func:`~sk_fer.predict_faces` returned.
    top : int, default=3
        The number of most probable classes.

    Returns
    -------
    picture : PIL.Image.Image
        The annotated photograph, in RGB. If there is no face, it says so.

    Raises
    ------
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If the photograph is not a readable image.

    See Also
    --------
    sk_fer.predict_faces : Find the faces in photographs, and predict their expressions.

    Examples
    --------
    >>> from skimage.data import astronaut
    >>> from sk_fer import load_pretrained, predict_faces
    >>> from sk_fer.inspection import annotate_faces
    >>> table = predict_faces(load_pretrained(), [astronaut()], detector="lbp")
    >>> annotate_faces(astronaut(), table).size
    (512, 512)
    """
    ((name, cell),) = each_cell([photo])
    opened = open_photo(name, cell)
    least, most = _SIDES
    pixels, pixel = opened.reduced(min(max(*opened.pixels.shape[:2], least), most))
    picture = Image.fromarray(pixels)
    pen = _Pen(picture)
    faces = table[table.iloc[:, 0].notna().to_numpy()]  # by position: a class can have any name
    if not len(faces):
        pen.label(NO_FACE, (0, 0))
    n_first = len(BEFORE_CLASSES)
    names = [" ".join(str(name).split()) for name in table.columns[n_first:-1]]
    for row in faces.to_numpy(object):
        box = tuple(float(side) / pixel for side in row[1:5])
        shares = [float(share) for share in row[n_first:-1]]
        best = sorted(range(len(shares)), key=lambda i: -shares[i])[:top]
        classes = [(names[i], shares[i]) for i in best]
        if len(faces) > 1 or row[0] > 0:  # in a video, other faces can be in other frames
            classes[0] = (f"{row[0]}: {classes[0][0]}", classes[0][1])
        pen.face(box, classes, bars=len(faces) <= _MOST_WITH_BARS)
    return picture


class _Pen:
    """Draws on a picture, in a size that suits it."""

    def __init__(self, picture: Image.Image) -> None:
        self._width, self._height = picture.size
        self._draw = ImageDraw.Draw(picture)
        text = max(11, round(_TEXT * max(picture.size)))
        self._font: Any = ImageFont.load_default(text)
        self._line = max(2, text // 6)
        self._row = round(1.35 * text)
        self._gap = text // 3

    def face(self, box: tuple[float, ...], shares: list[tuple[str, float]], *, bars: bool) -> None:
        """Draw the box of a face, and its classes."""
        left, right = (min(max(x, 0), self._width - 1) for x in (box[0], box[0] + box[2]))
        top, bottom = (min(max(y, 0), self._height - 1) for y in (box[1], box[1] + box[3]))
        self._draw.rectangle((left, top, right, bottom), outline=_BOX, width=self._line)
        lines = [f"{name} {share:.0%}" for name, share in shares] if bars else [shares[0][0]]
        wide = max(self._draw.textlength(line, self._font) for line in lines) + 2 * self._gap
        size = (wide, self._row * len(lines))
        x, y = self._place(left, top, right, bottom, size)
        for line, (_, share) in zip(lines, shares, strict=False):
            self._draw.rectangle((x, y, x + wide, y + self._row), fill=_BACK)
            if bars:
                self._draw.rectangle((x, y + 1, x + wide * share, y + self._row - 1), fill=_BAR)
            self._draw.text(
                (x + self._gap, y + self._row / 2), line, fill=_INK, font=self._font, anchor="lm"
            )
            y += self._row

    def label(self, text: str, place: _Place) -> None:
        """Write a line of text on a dark ground."""
        x, y = place
        wide = self._draw.textlength(text, self._font) + 2 * self._gap
        self._draw.rectangle((x, y, x + wide, y + self._row), fill=_BACK)
        middle = (x + self._gap, y + self._row / 2)
        self._draw.text(middle, text, fill=_INK, font=self._font, anchor="lm")

    def _place(
        self, left: float, top: float, right: float, bottom: float, size: tuple[float, float]
    ) -> _Place:
        """Return where a panel has space: below the box, above, to the right, or in its corner."""
        wide, high = size
        x = min(max(left, 0), max(self._width - wide, 0))
        if bottom + high <= self._height:
            return x, bottom
        if top - high >= 0:
            return x, top - high
        if right + wide <= self._width:
            return right, max(0, min(top, self._height - high))
        return x, max(self._height - high, 0)
