"""A fitted FERFeatures as JSON and arrays, and back."""

from typing import Any

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._network import Written, describe_network, restore_network
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._transformer import describe_output, restore_output


def describe_features(
    features: Any, prefix: str, arrays: Arrays, left_out: list[str]
) -> dict[str, Any]:
    """Return the content of a model file for a fitted FERFeatures.

    Parameters
    ----------
    features : FERFeatures
        The fitted transformer.
    prefix : str
        The beginning of the names of its arrays.
    arrays : dict of str to ndarray
        The weights of the backbone are added.
    left_out : list of str
        The names of what model files do not contain are added.
    """
    return {
        **describe_network(features, prefix, arrays, left_out),
        "output": describe_output(features),
    }


def restore_features(kind: type, fields: Fields, arrays: Arrays, written: Written) -> Any:
    """Return the FERFeatures that a file describes.

    Parameters
    ----------
    kind : type
        FERFeatures.
    fields : Fields
        The items of the file. All are taken.
    arrays : dict of str to ndarray
        The weights of this backbone and no other arrays.
    written : Written
        The format and the libraries of the file.

    Raises
    ------
    ModelFormatError
        If the content differs from what `describe_features` writes, or if the weights are not
        those of the backbone.
    """
    features, state = restore_network(kind, fields, arrays, written, n_classes=0)
    restore_output(features, fields)
    fields.finish()
    features.__setstate__({**vars(features), **state})
    return features
