"""The arrays that a transformer or a linear classifier learned, in a model file."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._errors import require, shown
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import LEARNT, Learnt

_FLOATS = ("float32", "float64")
_INTEGERS = ("int32", "int64")
_TYPES = {"n_iter_": _INTEGERS, "n_samples_seen_": (*_INTEGERS, *_FLOATS)}


def describe_arrays(estimator: BaseEstimator, arrays: Arrays) -> dict[str, Any]:
    """Add the arrays of an estimator, and return what else the file contains about them."""
    learnt = LEARNT[type(estimator)]
    for name in (*learnt.used, *learnt.kept):
        value = getattr(estimator, name, None)
        if value is not None:
            arrays[name] = np.asarray(value)
    if "coef_" not in learnt.used:
        return {}
    flags = arrays["coef_"].flags
    # Matrix products can round differently with another memory layout.
    return {"order": "F" if flags.f_contiguous and not flags.c_contiguous else "C"}


def restore_arrays(estimator: Any, fields: Fields, arrays: Arrays) -> None:
    """Set the attributes of an estimator to its arrays, which are removed from `arrays`."""
    learnt = LEARNT[type(estimator)]
    where = fields.where
    for name in (*learnt.used, *learnt.kept):
        array = arrays.pop(name, None)
        if array is None:
            require(not _is_needed(estimator, learnt, name), f"{where} has no array {name}")
            setattr(estimator, name, None)
            continue
        shapes, types = _shapes(estimator, name), _TYPES.get(name, _FLOATS)
        require(
            array.shape in shapes,
            f"{where}: {name} has the shape {array.shape}; expected {shapes[0]}",
        )
        require(
            array.dtype.name in types,
            f"{where}: {name} is {array.dtype}; expected {' or '.join(types)}",
        )
        if name == "scale_":
            require(np.all(array != 0), f"{where}: scale_ contains 0 and is a divisor")
        setattr(estimator, name, array if array.ndim else array[()])
    require(not arrays, f"{where} has unknown arrays, {', '.join(sorted(arrays)):.200}")
    if "coef_" in learnt.used:
        order = fields.take("order", str)
        require(order in ("C", "F"), f"{where}: order is {shown(order)}; expected 'C' or 'F'")
        estimator.coef_ = np.asarray(estimator.coef_, order=order)


def _is_needed(estimator: Any, learnt: Learnt, name: str) -> bool:
    if name in learnt.kept:
        return False
    condition = learnt.used[name]
    return condition is None or getattr(estimator, condition[0]) == condition[1]


def _shapes(estimator: Any, name: str) -> list[tuple[int, ...]]:
    """Return the shapes that an array can have."""
    n_features = estimator.n_features_in_
    if hasattr(estimator, "classes_"):
        n_rows = 1 if len(estimator.classes_) == 2 else len(estimator.classes_)
        shapes: dict[str, list[tuple[int, ...]]] = {
            "coef_": [(n_rows, n_features)],
            "intercept_": [(n_rows,), ()],
            "n_iter_": [(n_rows,), (1,), ()],
        }
        return shapes[name]
    shape = getattr(estimator, "image_shape_", (n_features,))
    return [shape, ()] if name == "n_samples_seen_" else [shape]
