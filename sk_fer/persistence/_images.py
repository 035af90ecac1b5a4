"""What an estimator knows of the images it was fitted on, in a model file."""

import math
from typing import Any

import numpy as np

from sk_fer._utils._layout import check_size
from sk_fer.persistence._errors import require, shown
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import MAX_IMAGE_VALUES


def describe_images(estimator: Any, attributes: tuple[str, ...]) -> dict[str, Any]:
    """Return the shape of the images and the names of the columns.

    Parameters
    ----------
    estimator : BaseEstimator
        Fitted.
    attributes : tuple of str
        Those of ``n_features_in_``, ``n_features_out_`` and ``image_shape_`` that it has.
    """
    described = {name: getattr(estimator, name) for name in attributes}
    if "image_shape_" in described:
        described["image_shape_"] = [int(side) for side in described["image_shape_"]]
    names = getattr(estimator, "feature_names_in_", None)
    return {**described, "feature_names_in_": None if names is None else names.tolist()}


def restore_images(estimator: Any, fields: Fields, attributes: tuple[str, ...]) -> None:
    """Set what :func:`describe_images` wrote.

    Parameters
    ----------
    estimator : BaseEstimator
        Changed in place.
    fields : Fields
        Of the file; those of `attributes` are taken.
    attributes : tuple of str
        As for :func:`describe_images`.

    Raises
    ------
    ModelFormatError
        If the numbers are out of range or contradict each other.
    """
    for name in attributes:
        if name == "image_shape_":
            estimator.image_shape_ = _take_shape(fields)
        else:
            setattr(estimator, name, fields.take_size(name, least=1, most=MAX_IMAGE_VALUES))
    if {"n_features_in_", "image_shape_"} <= set(attributes):
        require(
            math.prod(estimator.image_shape_) == estimator.n_features_in_,
            f"{fields.where}: images of shape {estimator.image_shape_} have no "
            f"{estimator.n_features_in_} values",
        )
    names = fields.take("feature_names_in_", list, type(None))
    if names is not None:
        require(
            all(type(name) is str for name in names)
            and len(names) == len(set(names)) == getattr(estimator, "n_features_in_", None),
            f"{fields.where}: feature_names_in_ are no names of its features",
        )
        estimator.feature_names_in_ = np.array(names, dtype=object)


def check_sizes(step: Any, where: str) -> None:
    """Check that what comes out of a transformer is as large as it says.

    Parameters
    ----------
    step : BaseEstimator
        With parameters and what `restore_images` sets.
    where : str
        What it is, for the message.

    Raises
    ------
    ModelFormatError
        If it is not.
    """
    if not hasattr(step, "n_features_out_") or not hasattr(step, "image_shape_"):
        return
    size = getattr(step, "image_size", None)
    size = step.image_shape_[:2] if size is None else check_size(size, "image_size")
    channels = step.image_shape_[2]
    if hasattr(step, "color"):  # an ImageReader
        require(channels == (3 if step.color else 1), f"{where}: images of {channels} channels")
        require(tuple(size) == step.image_shape_[:2], f"{where}: image_size is no {size}")
    require(
        math.prod(size) * channels == step.n_features_out_,
        f"{where}: images of {size} pixels have no {step.n_features_out_} values",
    )


def _take_shape(fields: Fields) -> tuple[int, int, int]:
    shape = fields.take("image_shape_", list)
    require(
        len(shape) == 3
        and all(type(side) is int and side >= 1 for side in shape)
        and math.prod(shape) <= MAX_IMAGE_VALUES,
        f"{fields.where}: image_shape_ is {shown(shape)}; expected height, width and channels, at "
        f"most {MAX_IMAGE_VALUES} values",
    )
    height, width, channels = shape
    return height, width, channels
