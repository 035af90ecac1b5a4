"""Converts a fitted estimator of a class in the registry to JSON and arrays, and back."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from sk_fer.estimators import FERFeatures
from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._errors import require, shown
from sk_fer.persistence._images import check_sizes, describe_images, restore_images
from sk_fer.persistence._labels import describe_labels, restore_labels
from sk_fer.persistence._learned_arrays import describe_arrays, restore_arrays
from sk_fer.persistence._network import Written, describe_network, restore_network
from sk_fer.persistence._parameters import build, describe_parameters
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import CLASSIFIERS, LEARNT, LINEAR_CLASSIFIERS, TRANSFORMERS
from sk_fer.persistence._version_1 import rename_parameters

_KINDS: dict[str, type] = {
    **CLASSIFIERS,
    **{kind.__name__: kind for kind in (FERFeatures, *LINEAR_CLASSIFIERS, *TRANSFORMERS)},
}

FINAL = (*CLASSIFIERS, *(kind.__name__ for kind in LINEAR_CLASSIFIERS))
"""The names of the classes that can be the last step of a Pipeline."""
BEFORE = (FERFeatures.__name__, *(kind.__name__ for kind in TRANSFORMERS))
"""The names of the classes that can be other steps."""
ALONE = (*CLASSIFIERS, FERFeatures.__name__)
"""The names of the classes that can be the model of a file, which are those with a network."""

_SIZES_OF_NETWORKS = ("n_features_in_", "image_shape_")
_OUTPUTS = (None, "default", "pandas", "polars")
_OF_THIS_PROCESS = {
    "_skl_callbacks": "scikit-learn's callbacks",
    "_metadata_request": "metadata requests",
}


def is_of(estimator: Any, names: tuple[str, ...]) -> bool:
    """Whether the class of an estimator has one of these names in the registry."""
    name = type(estimator).__name__
    return name in names and type(estimator) is _KINDS[name]


def describe_estimator(
    estimator: BaseEstimator, prefix: str, arrays: Arrays, left_out: list[str]
) -> dict[str, Any]:
    """Return the content of a model file for a fitted estimator.

    Parameters
    ----------
    estimator : BaseEstimator
        The fitted estimator, of a class for which :func:`is_of` is true.
    prefix : str
        The beginning of the names of its arrays.
    arrays : dict of str to ndarray
        The arrays of the estimator are added.
    left_out : list of str
        The names of what model files do not contain are added.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If a parameter or a label is of a kind that model files cannot contain.
    """
    name = type(estimator).__name__
    sizes = _sizes(name)
    if not all(hasattr(estimator, size) for size in sizes):
        raise NotFittedError(
            f"the {name} of the Pipeline is not fitted, but a model file contains the shape of its "
            "images; call fit of the Pipeline or of this step"
        )
    left_out += [
        f"{what} of {name}"
        for attribute, what in _OF_THIS_PROCESS.items()
        if attribute in vars(estimator)
    ]
    described = {
        "class": name,
        "parameters": describe_parameters(estimator, left_out),
        **describe_images(estimator, sizes),
    }
    if name in FINAL:
        described["classes_"] = describe_labels(estimator.classes_)
    if name in BEFORE:
        described["output"] = vars(estimator).get("_sklearn_output_config", {}).get("transform")
    own: Arrays = {}
    describe = describe_network if name in ALONE else describe_arrays
    described |= describe(estimator, own)
    arrays.update({prefix + key: array for key, array in own.items()})
    return described


def restore_estimator(
    names: tuple[str, ...], fields: Fields, prefix: str, arrays: Arrays, written: Written
) -> Any:
    """Return the estimator that a file describes.

    Parameters
    ----------
    names : tuple of str
        The classes that it can be of.
    fields : Fields
        The items of the file. All are taken.
    prefix : str
        The beginning of the names of its arrays.
    arrays : dict of str to ndarray
        The arrays with this prefix are removed.
    written : Written
        The format and the libraries of the file.

    Raises
    ------
    ModelFormatError
        If the content differs from what `describe_estimator` writes.
    """
    name = fields.take("class", str)
    require(
        name in names,
        f"{fields.where} is of class {shown(name)}; expected {', '.join(names)}",
    )
    own = {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
    for key in own:
        del arrays[prefix + key]
    parameters = fields.take("parameters", dict)
    if written.format_version == 1 and name in ALONE:
        parameters = rename_parameters(parameters)
    estimator = build(_KINDS[name], parameters)
    restore_images(estimator, fields, _sizes(name))
    check_sizes(estimator, fields.where)
    if name in FINAL:
        labels = fields.take("classes_", dict)
        estimator.classes_ = restore_labels(labels, f"{fields.where}: classes_")
    if name in BEFORE:
        output = fields.take("output", str, type(None))
        require(
            output in _OUTPUTS,
            f"{fields.where}: output is {shown(output)}; expected one of {_OUTPUTS}",
        )
        if output is not None:
            estimator._sklearn_output_config = {"transform": output}
    if name in ALONE:
        restore_network(estimator, fields, own, written)
    else:
        restore_arrays(estimator, fields, own)
    fields.finish()
    return estimator


def _sizes(name: str) -> tuple[str, ...]:
    """Return the attributes with the sizes of the images of a class."""
    return _SIZES_OF_NETWORKS if name in ALONE else LEARNT[_KINDS[name]].images
