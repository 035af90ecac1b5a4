"""The steps of a pipeline that change images, and the classifier after them."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from sk_fer.faces import FaceCropper
from sk_fer.preprocessing import ImageReader, PixelParser
from sk_fer.preprocessing._base import ImageTransformer

READERS = ImageReader | FaceCropper | PixelParser
_OF_IMAGES = READERS | ImageTransformer | str | None


def split_preprocessing(estimator: Any) -> tuple[list[Any], Any]:
    """Return the first steps of a pipeline that return images, and the rest of it.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator, Pipeline or search.

    Returns
    -------
    steps : list of transformer
        The steps that read images or change them. Empty if the estimator is not a Pipeline.
    model : estimator
        The rest: an estimator, or a Pipeline of several steps.
    """
    model = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(model, Pipeline):
        return [], model
    n_first = 0
    while n_first < len(model) - 1 and isinstance(model[n_first], _OF_IMAGES):
        n_first += 1
    steps = [step for step in model[:n_first] if step not in (None, "passthrough")]
    rest = model[n_first:]
    return steps, rest[0] if len(rest) == 1 else rest
