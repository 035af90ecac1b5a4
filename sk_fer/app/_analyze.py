"""What the page shows about one photograph."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from io import BytesIO
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from sk_fer._utils._image_file import decode_image
from sk_fer.estimators._model_images import image_shape, prepare_images
from sk_fer.estimators._predict_faces import BEFORE_CLASSES, cropper_of, face_table
from sk_fer.faces._photo import Photo
from sk_fer.inspection import SaliencyDisplay, annotate_faces

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000
MOST_FACES = 6  # with bars and saliency; the picture and the table show all faces


@dataclass(frozen=True)
class Face:
    """The probabilities of a face, from 0 to 1, and a PNG file of its saliency."""

    label: str
    shares: dict[str, float]
    saliency: bytes | None


@dataclass(frozen=True)
class Analysis:
    """The annotated photograph as a JPEG file, its faces, and notes."""

    picture: bytes
    n_faces: int
    detector: str
    faces: list[Face]
    notes: list[str] = field(default_factory=list)


class Analyzer:
    """Finds faces and predicts expressions with one model, one photograph at a time.

    Parameters
    ----------
    model : classifier
        A fitted classifier, as for :func:`sk_fer.predict_faces`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._cropping = cropper_of(model, image_shape(model), None).open()
        self._lock = Lock()

    def __call__(self, name: str, content: bytes) -> Analysis:
        """Analyze an image file.

        Raises
        ------
        ValueError
            If it is too large or not a readable image. The message contains the name.
        """
        pixels = read_upload(name, content)
        photo = Photo(name, pixels, (pixels.shape[0], pixels.shape[1]))
        with self._lock:
            found, crops = self._cropping.find(photo)
            table = face_table(self.model, [(name, found, None)], list(crops))
            pictures, notes = self._saliency(crops[:MOST_FACES])
        faces = []
        if len(found):
            first = len(BEFORE_CLASSES)
            names = [str(label) for label in table.columns[first:-1]]
            for row, picture in zip(table.to_numpy(object), pictures, strict=False):
                shares = dict(zip(names, map(float, row[first:-1]), strict=True))
                faces.append(Face(str(row[first - 1]), shares, picture))
        if len(found) > MOST_FACES:
            notes.append(f"Only the {MOST_FACES} largest faces are shown in detail.")
        if len(found) > 1:
            table.isetitem(0, (table.iloc[:, 0] + 1).array)  # the page counts the faces from 1
        annotated = annotate_faces(pixels, table)
        return Analysis(_file(annotated, "JPEG"), len(found), found.detector, faces, notes)

    def _saliency(self, crops: np.ndarray) -> tuple[list[bytes | None], list[str]]:
        """Return a picture for each crop, and why there is none."""
        if not len(crops):
            return [], []
        from matplotlib.figure import Figure

        predictor, X = prepare_images(self.model, crops)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                display = SaliencyDisplay.from_estimator(
                    predictor, X, n_images=len(crops), ax=Figure().subplots()
                )
        except (ImportError, ValueError, TypeError) as error:
            return [None] * len(crops), [f"Saliency is not shown: {error}"]
        return [_saliency_file(display, i) for i in range(len(crops))], []


def read_upload(name: str, content: bytes) -> np.ndarray:
    """Return the RGB pixels of an image file, unless it exceeds the limits."""
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"{name}: the file has {len(content) / 2**20:,.1f} MB, expected at most "
            f"{MAX_BYTES / 2**20:g} MB; save it in a lower quality or size"
        )
    size = _size_in_header(content)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise ValueError(
            f"{name}: the picture has {size[0]:,} x {size[1]:,} pixels, expected at most "
            f"{MAX_PIXELS / 1e6:g} million pixels; reduce its size"
        )
    return decode_image(BytesIO(content), name, color=True)


def _size_in_header(content: bytes) -> tuple[int, int] | None:
    """Return the width and height in the header of a file, or None if it is not known."""
    from PIL import ImageFile

    parser = ImageFile.Parser()  # unlike Image.open, it has no limit of its own
    try:
        parser.feed(content[:65536])
    except Exception:  # decode_image raises the error with the name of the file
        return None
    return parser.image.size if parser.image is not None else None


def _saliency_file(display: SaliencyDisplay, position: int) -> bytes:
    """Return the image of a face with its map over it."""
    from sk_fer.inspection._saliency import overlay

    shown = overlay(display.images[position], display.maps[position])
    pixels = (255 * shown.clip(0, 1)).round().astype(np.uint8)
    height, width = pixels.shape[:2]
    factor = max(1, round(192 / max(height, width)))
    size = (width * factor, height * factor)
    return _file(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), "PNG")


def _file(picture: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    picture.save(file, kind)
    return file.getvalue()
