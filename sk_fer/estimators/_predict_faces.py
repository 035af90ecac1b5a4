"""Predictions for all faces in photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._image_file import warn_of_several_frames
from sk_fer.estimators._each_image import each_image, explain, warn_unless_cropped
from sk_fer.estimators._model_images import first_step, image_shape, prepare_images
from sk_fer.faces import DetectedFaces, FaceCropper, FaceDetector
from sk_fer.faces._detector import DETECTORS
from sk_fer.faces._photo import open_photo

if TYPE_CHECKING:
    import pandas as pd

NO_FACE = "no face found"

BEFORE_CLASSES = ("face", "left", "top", "width", "height", "score", "detector", "label")
"""The columns of the table before those of the classes. The last column is "problem"."""


@validate_params(
    {
        "model": [HasMethods("predict_proba")],
        "detector": [StrOptions({"auto", *DETECTORS}), FaceDetector, None],
        "on_error": [StrOptions({"raise", "skip"})],
    }
)
def predict_faces(
    model: Any, photos: Any, *, detector: Any = None, on_error: str = "raise"
) -> pd.DataFrame:
    """Find all faces in photographs, and predict their expressions.

    A photograph with several faces has several rows, the largest face first. A photograph without a
    face has one row without a label.

    Parameters
    ----------
    model : classifier
        A fitted classifier of gray or RGB images, alone or as the last step of a Pipeline, or a
        fitted search, as for `predict_images`. If the Pipeline begins with a
        :class:`~sk_fer.faces.FaceCropper`, its margin, alignment and detector are used.
    photos : path, list of paths or images, or ndarray of shape (n, h, w) or (n, h, w, 3)
        The photographs. A path is an image file, or a folder, which stands for all images in it and
        in the folders below it. An image is an array of uint8, of shape (h, w), or (h, w, 3) for
        RGB, or an image of Pillow. Images of a list can differ in size.
    detector : {"auto", "yunet", "lbp", "whole"} or FaceDetector, default=None
        The detector, see :class:`~sk_fer.faces.FaceDetector`. With "whole", each image is one face
        that is already cropped. If None, it is that of the Pipeline, or "auto".
    on_error : {"raise", "skip"}, default="raise"
        Whether a file that cannot be read is an error. With "skip", it has one row without a label,
        and the column ``problem`` contains the reason.

    Returns
    -------
    table : DataFrame
        One row per face, and one row per photograph without a face. The index is the path of the
        photograph, or its position if it has no path. The columns are, in this order:

        - ``face``: the position of the face in the photograph, from 0, the largest face;
        - ``left``, ``top``, ``width`` and ``height``: its box, in pixels of the upright photograph;
        - ``score``: the confidence of the detector from 0 to 1, or NaN if it has no scores;
        - ``detector``: "yunet", "lbp", or "whole" for an image that is already cropped;
        - ``label``: the class with the highest probability, or None without a face;
        - the classes in the order of ``classes_``, with their probabilities;
        - ``problem``: None, "no face found", or the reason why a file was not read.

    Raises
    ------
    ImportError
        If a package that the detector requires is not installed.
    OSError
        If a file does not exist or cannot be read.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    ValueError
        If there are no photographs, if a file is not an image, or if the model does not take gray
        or RGB images.

    Warns
    -----
    UserWarning
        With "whole", for each picture that is probably not a cropped face, see `predict_images`.
        If a folder contains files that are not images, or if only the first frame of a file was
        read.

    See Also
    --------
    predict_images : Predict the expressions in images that are already cropped.
    sk_fer.faces.FaceCropper : Crop the largest face of each photograph, as a step of a Pipeline.

    Examples
    --------
    >>> from skimage.data import astronaut, coffee
    >>> from sk_fer import load_pretrained, predict_faces
    >>> table = predict_faces(load_pretrained(), [astronaut(), coffee()], detector="lbp")
    >>> table[["face", "label", "problem"]].values.tolist()
    [[0, 'happy', None], [<NA>, None, 'no face found']]
    """
    shape = image_shape(model)
    cropping = cropper_of(model, shape, detector).open()
    found: list[tuple[Any, DetectedFaces | None, str | None]] = []
    crops: list[Any] = []
    several_frames: list[str] = []
    for name, cell in each_image(photos):
        try:
            if isinstance(cell, Exception):
                raise cell
            photo = open_photo(name, cell, several_frames)
            if cropping.detector == "whole":
                warn_unless_cropped(name, photo.pixels, shape)
            faces, of_photo = cropping.find(photo)
        except (OSError, ValueError) as reason:
            if on_error == "raise":
                raise
            found.append((name, None, explain(name, reason)))
            continue
        found.append((name, faces, None))
        crops += list(of_photo)
    warn_of_several_frames(several_frames)
    return face_table(model, found, crops)


def face_table(
    model: Any, found: list[tuple[Any, DetectedFaces | None, str | None]], crops: Sequence[Any]
) -> pd.DataFrame:
    """Return the table of :func:`predict_faces`.

    Parameters
    ----------
    model : classifier
        The fitted classifier.
    found : list of (name, faces, problem)
        The name of each photograph, its faces, and the reason why it was not read.
    crops : sequence of ndarray
        The crops of all faces, in the same order.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name, faces, problem in found:
        if faces is None or not len(faces):
            detector = None if faces is None else faces.detector
            rows.append({"image": name, "detector": detector, "problem": problem or NO_FACE})
            continue
        for i in range(len(faces)):
            box = dict(zip(("left", "top", "width", "height"), faces.boxes[i], strict=True))
            score = faces.scores[i]
            rows.append(
                {"image": name, "face": i, **box, "score": score, "detector": faces.detector}
            )
    table = pd.DataFrame(rows, columns=["image", *BEFORE_CLASSES, "problem"])
    table = table.astype(dict.fromkeys(("left", "top", "width", "height", "score"), float))
    table["face"] = table["face"].astype("Int64")
    has_face = table["face"].notna().to_numpy()
    probabilities = np.full((len(table), len(model.classes_)), np.nan)
    labels = np.full(len(table), None, dtype=object)
    if len(crops):
        predictor, X = prepare_images(model, np.stack(crops))
        probabilities[has_face] = predictor.predict_proba(X)
        labels[has_face] = model.classes_[probabilities[has_face].argmax(axis=1)].tolist()
    table["label"] = pd.Series(labels, dtype=object)
    for column in ("detector", "problem"):
        table[column] = table[column].astype(object).where(table[column].notna(), None)
    table = table.set_index("image")  # before the classes, which can have any name
    classes = pd.DataFrame(probabilities, table.index, model.classes_.tolist())
    return pd.concat([table.iloc[:, :-1], classes, table.iloc[:, -1:]], axis=1)


def cropper_of(model: Any, shape: tuple[int, int, int], detector: Any) -> FaceCropper:
    """Return the cropper for the images of a model."""
    first = first_step(model)
    cropper = clone(first) if isinstance(first, FaceCropper) else FaceCropper()
    cropper.set_params(image_size=shape[:2], color=shape[2] == 3)
    return cropper if detector is None else cropper.set_params(detector=detector)
