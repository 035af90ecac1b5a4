"""One fitted estimator, of any class in the registry, as JSON and arrays, and back."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sklearn.base import BaseEstimator

from sk_fer.estimators import FERFeatures
from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._classifier import describe_classifier, restore_classifier
from sk_fer.persistence._errors import require, shown
from sk_fer.persistence._features import describe_features, restore_features
from sk_fer.persistence._linear import describe_linear, restore_linear
from sk_fer.persistence._network import Written
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import CLASSIFIERS, LINEAR_CLASSIFIERS, TRANSFORMERS
from sk_fer.persistence._transformer import describe_transformer, restore_transformer


class _Kind(NamedTuple):
    of: type
    describe: Callable[[Any, str, Arrays, list[str]], dict[str, Any]]
    restore: Callable[[type, Fields, Arrays, Written], Any]


_KINDS = {
    kind.__name__: _Kind(kind, describe, restore)
    for kinds, describe, restore in (
        (CLASSIFIERS.values(), describe_classifier, restore_classifier),
        ([FERFeatures], describe_features, restore_features),
        (LINEAR_CLASSIFIERS, describe_linear, restore_linear),
        (TRANSFORMERS, describe_transformer, restore_transformer),
    )
    for kind in kinds
}

FINAL = (*CLASSIFIERS, *(kind.__name__ for kind in LINEAR_CLASSIFIERS))
"""The names of the classes that can be the last step of a Pipeline."""
BEFORE = (FERFeatures.__name__, *(kind.__name__ for kind in TRANSFORMERS))
"""The names of the classes that can be other steps."""
ALONE = (*CLASSIFIERS, FERFeatures.__name__)
"""The names of the classes that can be the model of a file."""


def is_of(estimator: Any, names: tuple[str, ...]) -> bool:
    """Return whether the class of an estimator is one of those with these names."""
    name = type(estimator).__name__
    return name in names and type(estimator) is _KINDS[name].of


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
    """
    name = type(estimator).__name__
    return {"class": name, **_KINDS[name].describe(estimator, prefix, arrays, left_out)}


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
    kind = _KINDS[name]
    return kind.restore(kind.of, fields, own, written)
