"""Image shapes and feature names of fitted estimators in model files."""

import math
from typing import Any

import numpy as np

from sk_fer._utils._layout import check_size
from sk_fer.persistence._errors import require, shown
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import MAX_IMAGE_VALUES


def describe_images(estimator: Any, attributes: tuple[str, ...]) -> dict[str, Any]:
    """Return the image shape, the numbers of features and the feature names.

    Parameters
    ----------
    estimator : BaseEstimator
        The fitted estimator.
    attributes : tuple of str
        The attributes that it has among ``n_features_in_``, ``n_features_out_`` and
        ``image_shape_``.
    """
    described = {name: getattr(estimator, name) for name in attributes}
    if "image_shape_" in described:
        described["image_shape_"] = [int(side) for side in described["image_shape_"]]
    names = getattr(estimator, "feature_names_in_", None)
    return {**described, "feature_names_in_": None if names is None else names.tolist()}


def restore_images(estimator: Any, fields: Fields, attributes: tuple[str, ...]) -> None:
    """Set the attributes that :func:`describe_images` returned.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator, which is changed in place.
    fields : Fields
        The items of the file. Those of `attributes` are taken.
    attributes : tuple of str
        The same as in :func:`describe_images`.

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
            f"{fields.where}: image_shape_ is {estimator.image_shape_}, which contradicts "
            f"n_features_in_={estimator.n_features_in_}",
        )
    names = fields.take("feature_names_in_", list, type(None))
    if names is not None:
        require(
            all(type(name) is str for name in names)
            and len(names) == len(set(names)) == getattr(estimator, "n_features_in_", None),
            f"{fields.where}: feature_names_in_ is not one unique name per feature",
        )
        estimator.feature_names_in_ = np.array(names, dtype=object)


def check_sizes(step: Any, where: str) -> None:
    """Check the output size of a transformer.

    Parameters
    ----------
    step : BaseEstimator
        The transformer, after :func:`restore_images`.
    where : str
        Its name, for the error message.

    Raises
    ------
    ModelFormatError
        If ``n_features_out_`` or ``image_shape_`` contradicts the parameters.
    """
    if not hasattr(step, "n_features_out_") or not hasattr(step, "image_shape_"):
        return
    size = getattr(step, "image_size", None)
    size = step.image_shape_[:2] if size is None else check_size(size, "image_size")
    channels = step.image_shape_[2]
    if hasattr(step, "color"):  # an ImageReader
        require(
            channels == (3 if step.color else 1),
            f"{where}: image_shape_ has {channels} channels, which contradicts color={step.color}",
        )
        require(
            tuple(size) == step.image_shape_[:2],
            f"{where}: image_shape_ is {step.image_shape_}, which contradicts "
            f"image_size={tuple(size)}",
        )
    require(
        math.prod(size) * channels == step.n_features_out_,
        f"{where}: n_features_out_ is {step.n_features_out_}, which contradicts images of {size} "
        f"pixels and {channels} channels",
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
