"""A fitted classifier of sk_fer as JSON and arrays, and back."""

from typing import Any

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._errors import require
from sk_fer.persistence._labels import describe_labels, restore_labels
from sk_fer.persistence._network import Written, describe_network, restore_network
from sk_fer.persistence._plain import Fields, decode, encode

_OF_THIS_PROCESS = {
    "_skl_callbacks": "scikit-learn's callbacks",
    "_metadata_request": "metadata requests",
}


def describe_classifier(
    classifier: Any, prefix: str, arrays: Arrays, left_out: list[str]
) -> dict[str, Any]:
    """Return the content of a model file for a fitted classifier.

    Parameters
    ----------
    classifier : BaseFERClassifier
        The fitted classifier.
    prefix : str
        The beginning of the names of its arrays.
    arrays : dict of str to ndarray
        The weights are added.
    left_out : list of str
        The names of what model files do not contain are added.
    """
    from sk_fer.estimators._history import plain_history

    left_out += [
        f"{what} of {type(classifier).__name__}"
        for name, what in _OF_THIS_PROCESS.items()
        if name in vars(classifier)
    ]
    return {
        "classes_": describe_labels(classifier.classes_),
        **describe_network(classifier, prefix, arrays, left_out),
        "history": [encode(row) for row in plain_history(classifier.net_.history)],
    }


def restore_classifier(kind: type, fields: Fields, arrays: Arrays, written: Written) -> Any:
    """Return the classifier that a file describes.

    Parameters
    ----------
    kind : type
        The class of the classifier.
    fields : Fields
        The items of the file. All are taken.
    arrays : dict of str to ndarray
        The weights of this classifier and no other arrays.
    written : Written
        The format and the libraries of the file.

    Raises
    ------
    ModelFormatError
        If the content differs from what `describe_classifier` writes, or if the weights are not
        those of the network.
    """
    classes = restore_labels(fields.take("classes_", dict), f"{fields.where}: classes_")
    history = _history(fields.take("history", list), fields.where)
    classifier, state = restore_network(kind, fields, arrays, written, n_classes=len(classes))
    fields.finish()
    state["_stored_net"]["history"] = history
    classifier.__setstate__({**vars(classifier), "classes_": classes, **state})
    return classifier


def _history(rows: list[Any], where: str) -> list[dict[str, Any]]:
    history = []
    for number, node in enumerate(rows, 1):
        row = decode(node)
        require(
            isinstance(row, dict)
            and all(type(key) is str for key in row)
            and row.get("epoch") == number
            and all(type(row.get(key)) is float for key in ("train_loss", "lr", "dur"))
            and "batches" not in row,
            f"{where}: history is none, in its row {number}",
        )
        history.append(row)
    return history
