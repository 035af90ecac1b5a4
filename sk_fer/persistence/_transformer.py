"""A fitted transformer as JSON and arrays, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._errors import require, shown
from sk_fer.persistence._images import check_sizes, describe_images, restore_images
from sk_fer.persistence._network import Written
from sk_fer.persistence._parameters import build, describe_parameters
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import TRANSFORMERS, Learnt

_OUTPUTS = (None, "default", "pandas", "polars")


def describe_transformer(
    step: BaseEstimator, prefix: str, arrays: Arrays, left_out: list[str]
) -> dict[str, Any]:
    """Return what a model file says of a fitted transformer.

    Parameters
    ----------
    step : BaseEstimator
        Of a class of the registry.
    prefix : str
        Of the names of its arrays.
    arrays : dict of str to ndarray
        Its arrays are added.
    left_out : list of str
        What no model file holds is added.
    """
    learnt = TRANSFORMERS[type(step)]
    if not all(hasattr(step, name) for name in learnt.images):
        raise NotFittedError(
            f"the {type(step).__name__} of the Pipeline is not fitted yet, and a model file keeps "
            "the shape of its images; fit it on a few of them, or the whole Pipeline"
        )
    for name in (*learnt.used, *learnt.kept):
        value = getattr(step, name, None)
        if value is not None:
            arrays[prefix + name] = np.asarray(value)
    return {
        "parameters": describe_parameters(step, left_out),
        "output": describe_output(step),
        **describe_images(step, learnt.images),
    }


def restore_transformer(
    kind: type, fields: Fields, arrays: Arrays, written: Written
) -> BaseEstimator:
    """Return the transformer that a file describes.

    Parameters
    ----------
    kind : type
        The class of the transformer.
    fields : Fields
        The items of the file. All are taken.
    arrays : dict of str to ndarray
        The arrays of this transformer and no others.
    written : Written
        The format and the libraries of the file.

    Raises
    ------
    ModelFormatError
        If anything is not as `describe_transformer` could have written it.
    """
    step = build(kind, fields.take("parameters", dict))
    learnt = TRANSFORMERS[kind]
    restore_output(step, fields)
    restore_images(step, fields, learnt.images)
    check_sizes(step, fields.where)
    fields.finish()
    for attribute in (*learnt.used, *learnt.kept):
        array = arrays.pop(attribute, None)
        if array is None:
            require(
                not _is_needed(step, learnt, attribute),
                f"{fields.where} has no array {attribute}",
            )
            setattr(step, attribute, None)
        else:
            _check_array(array, attribute, step, fields.where)
            setattr(step, attribute, array if array.ndim else array[()])
    require(not arrays, f"{fields.where} has unknown arrays, {', '.join(sorted(arrays)):.200}")
    return step


def describe_output(step: BaseEstimator) -> str | None:
    """Return what ``set_output`` chose for a transformer."""
    output: str | None = vars(step).get("_sklearn_output_config", {}).get("transform")
    return output


def restore_output(step: Any, fields: Fields) -> None:
    """Set the output that :func:`describe_output` wrote."""
    output = fields.take("output", str, type(None))
    require(output in _OUTPUTS, f"{fields.where}: output is {shown(output)}")
    if output is not None:
        step._sklearn_output_config = {"transform": output}


def _is_needed(step: Any, learnt: Learnt, attribute: str) -> bool:
    if attribute in learnt.kept:
        return False
    condition = learnt.used[attribute]
    return condition is None or getattr(step, condition[0]) == condition[1]


def _check_array(array: NDArray[Any], attribute: str, step: Any, where: str) -> None:
    expected = getattr(step, "image_shape_", (step.n_features_in_,))
    shapes = [expected, ()] if attribute == "n_samples_seen_" else [expected]
    require(
        array.shape in shapes,
        f"{where}: {attribute} has the shape {array.shape}; expected {expected}",
    )
    if attribute != "n_samples_seen_":
        require(
            array.dtype.name in ("float32", "float64"),
            f"{where}: {attribute} is {array.dtype}; expected float32 or float64",
        )
    if attribute == "scale_":
        require(np.all(array != 0), f"{where}: scale_ holds 0, which nothing can be divided by")
