"""The classes of one data set in the words of another."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._names import expression_of


@validate_params({"target": ["array-like"], "classes": ["array-like"]})
def match_classes(target: ArrayLike, classes: ArrayLike) -> tuple[NDArray, NDArray[np.bool_]]:
    """Find the labels that a classifier knows, under its names for them.

    A classifier that was fitted on one data set is scored on another one with it. The names of the
    expressions may differ, for example happiness and happy, and a data set may have more or fewer
    classes.

    Parameters
    ----------
    target : array-like of shape (n_samples,)
        The labels of a data set.
    classes : array-like of shape (n_classes,)
        The `classes_` of a classifier.

    Returns
    -------
    matched : ndarray of shape (n_samples,)
        The labels, with the names in `classes` where they have one.
    known : ndarray of shape (n_samples,) of bool
        Whether the classifier knows the label.

    See Also
    --------
    merge_classes : Make several classes one.

    Examples
    --------
    >>> from sk_fer.datasets import match_classes
    >>> matched, known = match_classes(["happiness", "contempt"], ["happy", "sad"])
    >>> matched.tolist(), known.tolist()
    (['happy', 'contempt'], [True, False])
    """
    labels = column_or_1d(target)
    names = np.asarray(classes).tolist()
    meanings: dict[str, list[object]] = {}
    for name in names:
        expression = expression_of(name) if isinstance(name, str) else None
        if expression is not None:
            meanings.setdefault(expression, []).append(name)
    found = {}
    for label in np.unique(labels).tolist():
        same = meanings.get(expression_of(label) or "", []) if isinstance(label, str) else []
        if label not in names and len(same) == 1:
            found[label] = same[0]
    matched = np.array([found.get(label, label) for label in labels.tolist()])
    if not len(matched):
        matched = labels
    return matched, np.isin(matched, names)
