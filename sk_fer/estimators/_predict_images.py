"""Predictions for image files and images of any size."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._image_file import (
    read_image,
    resize_image,
    to_pillow,
    to_pixels,
    warn_of_several_frames,
)
from sk_fer.estimators._each_image import each_image, explain, warn_unless_cropped
from sk_fer.estimators._model_images import image_shape, prepare_images

if TYPE_CHECKING:
    import pandas as pd


@validate_params({"model": [HasMethods("predict")], "on_error": [StrOptions({"raise", "skip"})]})
def predict_images(model: Any, images: Any, *, on_error: str = "raise") -> pd.DataFrame:
    """Predict the expressions in image files, or in images of any size.

    Each image must be a face, cropped as the images that the model was trained on. Its size and
    colours are converted to those of these images.

    Parameters
    ----------
    model : classifier
        A fitted classifier, alone or as the last step of a Pipeline, or a fitted search. It can
        be any classifier that takes images: one of sk_fer, or one of scikit-learn that takes flat
        rows of square images. The Pipeline can begin with
        :class:`~sk_fer.preprocessing.ImageReader` or :class:`~sk_fer.preprocessing.PixelParser`.
    images : path, list of paths or images, or ndarray of shape (n, h, w) or (n, h, w, 3)
        The images. A path is an image file, or a folder, which stands for all images in it and in
        the folders below it. An image is an array of uint8, of shape (h, w), or (h, w, 3) for
        RGB, or an image of Pillow. Images of a list can differ in size.
    on_error : {"raise", "skip"}, default="raise"
        Whether a file that cannot be read is an error. With "skip", its row in the table has no
        label, and the column ``error`` contains the reason.

    Returns
    -------
    table : DataFrame
        One row per image, with its path, or the position of an image without a path, as index.
        The column ``label`` contains the class with the highest probability. The other columns
        are the classes, in the order of ``classes_``, and contain their probabilities. If the
        model has no ``predict_proba``, ``label`` is what ``predict`` returns, and there are no
        such columns.

    Raises
    ------
    OSError
        If a file does not exist or cannot be read.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    ValueError
        If there are no images, if a file is not an image, or if the model does not take gray or
        RGB images.

    Warns
    -----
    UserWarning
        For each picture that is probably not a cropped face, because it is far from square, at
        least eight times as large as the images of the model, or of one colour. Also if a folder
        contains files that are not images, and if only the first frame of a file was read.

    See Also
    --------
    predict_faces : Find all faces in photographs, and predict their expressions.
    sk_fer.preprocessing.ImageReader : Read image files as the first step of a Pipeline.
    sk_fer.inspection.class_report : Scores of each class.

    Examples
    --------
    >>> from PIL import Image
    >>> from sk_fer import FERDenseClassifier, predict_images
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(70, random_state=0)
    >>> model = FERDenseClassifier((16,), max_epochs=2, random_state=0).fit(X, y)
    >>> photo = Image.linear_gradient("L").resize((90, 100))
    >>> table = predict_images(model, [photo, X[0].reshape(48, 48)])
    >>> table.columns.tolist()
    ['label', 'angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise']
    >>> len(table)
    2
    """
    import pandas as pd

    shape = image_shape(model)
    names: list[Any] = []
    errors: list[str | None] = []
    pixels: list[NDArray[np.uint8]] = []
    several_frames: list[str] = []
    for name, image in each_image(images):
        error = None
        try:
            pixels.append(_read(name, image, shape, several_frames))
        except (OSError, ValueError) as reason:
            if on_error == "raise":
                raise
            error = explain(name, reason)
        names.append(name)
        errors.append(error)
    warn_of_several_frames(several_frames)

    is_read = np.array([error is None for error in errors])
    labels = np.full(len(names), None, dtype=object)
    probabilities = np.full((len(names), len(model.classes_)), np.nan)
    has_probabilities = hasattr(model, "predict_proba")
    if pixels:
        predictor, X = prepare_images(model, np.stack(pixels))
        if has_probabilities:
            probabilities[is_read] = predictor.predict_proba(X)
            labels[is_read] = model.classes_[probabilities[is_read].argmax(axis=1)].tolist()
        else:
            labels[is_read] = predictor.predict(X).tolist()
    table = pd.DataFrame({"label": labels}, index=pd.Index(names, name="image"), dtype=object)
    if has_probabilities:
        columns = pd.DataFrame(probabilities, table.index, model.classes_.tolist())
        table = pd.concat([table, columns], axis=1)
    if on_error == "skip":
        reasons = pd.Series(errors, table.index, "string")
        table.insert(table.shape[1], "error", reasons, allow_duplicates=True)
    return table


def _read(
    name: Any, image: Any, shape: tuple[int, int, int], several_frames: list[str]
) -> NDArray[np.uint8]:
    """Return the pixels of an image in the size and colours of the images of the model."""
    if isinstance(image, Exception):
        raise image
    color = shape[2] == 3
    if isinstance(image, str | os.PathLike):
        pixels = read_image(image, color=color, several_frames=several_frames)
    else:
        name = f"image {name}"
        try:
            pixels = to_pixels(to_pillow(image), color=color)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    warn_unless_cropped(name, pixels, shape)
    return pixels if pixels.shape[:2] == shape[:2] else resize_image(pixels, shape[:2])
