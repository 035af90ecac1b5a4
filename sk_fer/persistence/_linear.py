"""A fitted linear classifier of scikit-learn as JSON and arrays, and back."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._errors import require, shown
from sk_fer.persistence._images import describe_images, restore_images
from sk_fer.persistence._labels import describe_labels, restore_labels
from sk_fer.persistence._network import Written
from sk_fer.persistence._parameters import build, describe_parameters
from sk_fer.persistence._plain import Fields

_IMAGES = ("n_features_in_",)
_ARRAYS = ("coef_", "intercept_", "n_iter_")


def describe_linear(
    classifier: Any, prefix: str, arrays: Arrays, left_out: list[str]
) -> dict[str, Any]:
    """Return the content of a model file for a fitted linear classifier.

    Parameters
    ----------
    classifier : BaseEstimator
        The fitted classifier, of a class in ``LINEAR_CLASSIFIERS``.
    prefix : str
        The beginning of the names of its arrays.
    arrays : dict of str to ndarray
        The coefficients are added.
    left_out : list of str
        The names of what model files do not contain are added.
    """
    check_is_fitted(classifier)
    for name in _ARRAYS:
        arrays[prefix + name] = np.asarray(getattr(classifier, name))
    by_columns = classifier.coef_.flags.f_contiguous and not classifier.coef_.flags.c_contiguous
    return {
        "parameters": describe_parameters(classifier, left_out),
        "classes_": describe_labels(classifier.classes_),
        **describe_images(classifier, _IMAGES),
        # Matrix products can round differently in another order.
        "order": "F" if by_columns else "C",
    }


def restore_linear(kind: type, fields: Fields, arrays: Arrays, written: Written) -> Any:
    """Return the linear classifier that a file describes.

    Parameters
    ----------
    kind : type
        The class of the classifier.
    fields : Fields
        The items of the file. All are taken.
    arrays : dict of str to ndarray
        The arrays of this classifier and no others.
    written : Written
        The format and the libraries of the file.

    Raises
    ------
    ModelFormatError
        If the content differs from what `describe_linear` writes.
    """
    classifier = build(kind, fields.take("parameters", dict))
    classes = restore_labels(fields.take("classes_", dict), f"{fields.where}: classes_")
    restore_images(classifier, fields, _IMAGES)
    order = fields.take("order", str)
    require(order in ("C", "F"), f"{fields.where}: order is {shown(order)}; expected 'C' or 'F'")
    fields.finish()
    n_rows = 1 if len(classes) == 2 else len(classes)
    _check_arrays(arrays, fields.where, n_rows, classifier.n_features_in_)
    classifier.classes_ = classes
    for name in _ARRAYS:
        array = arrays[name]
        setattr(classifier, name, array if array.ndim else array[()])
    classifier.coef_ = np.asarray(classifier.coef_, order=order)
    return classifier


def _check_arrays(arrays: Arrays, where: str, n_rows: int, n_features: int) -> None:
    require(
        sorted(arrays) == sorted(_ARRAYS),
        f"{where} has the arrays {shown(sorted(arrays))}; expected {', '.join(_ARRAYS)}",
    )
    shapes: dict[str, list[tuple[int, ...]]] = {
        "coef_": [(n_rows, n_features)],
        "intercept_": [(n_rows,), ()],
        "n_iter_": [(n_rows,), (1,), ()],
    }
    for name, expected in shapes.items():
        array = arrays[name]
        require(
            array.shape in expected,
            f"{where}: {name} has the shape {array.shape}; expected {expected[0]}",
        )
        types = ("int32", "int64") if name == "n_iter_" else ("float32", "float64")
        require(
            array.dtype.name in types,
            f"{where}: {name} is {array.dtype}; expected {' or '.join(types)}",
        )
