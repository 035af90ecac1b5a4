"""The folds of a search, with checks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples

from sk_fer.estimators._split import encode_groups

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def check_folds(
    cv: Any, X: Any, y: Any, groups: Any = None, *, classes: bool = True, **split_params: Any
) -> Folds:
    """Make the folds of a search, and raise an error if they cannot be used.

    Parameters
    ----------
    cv : splitter
        The folds.
    X : array-like of shape (n_samples, ...)
        The images.
    y : array-like of shape (n_samples,)
        The labels.
    groups : array-like of shape (n_samples,), default=None
        The group of each image.
    classes : bool, default=True
        Whether `y` has labels of classes, which the folds must be able to train.
    **split_params
        Other parameters of ``split`` of the splitter.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        The rows to train and to test on in each fold.

    Raises
    ------
    ValueError
        If the splitter needs groups and there are none; if a group is missing; if there are fewer
        images or groups than folds; if a fold tests a class that it does not train.

    Warns
    -----
    UserWarning
        If the folds are stratified, and a class has fewer images or groups than there are folds.
    """
    if groups is not None:
        encode_groups(groups, _num_samples(X))  # raises if they are not valid
    elif get_routing_for_object(cv).consumes("split", ["groups"]):
        raise ValueError(
            f"cv={cv!r} splits by groups, but groups is None; pass the group of each image, such "
            "as the person, as groups="
        )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # see below
            split = cv.split(X, y, groups, **split_params)
            folds = [(np.asarray(train), np.asarray(test)) for train, test in split]
    except ValueError as error:
        raise ValueError(f"the folds of cv={cv!r} cannot be made: {error}") from error
    if not folds:
        raise ValueError(f"cv={cv!r} makes no folds; expected one at least")
    for number, fold in enumerate(folds, start=1):
        for part, rows in zip(("train", "test"), fold, strict=True):
            if not len(rows):
                raise ValueError(
                    f"the folds of cv={cv!r} cannot be made: fold {number} of {len(folds)} has no "
                    f"images to {part} on; use fewer folds than there are "
                    f"{'images' if groups is None else 'groups'}"
                )
    if classes and y is not None and type_of_target(y) in ("binary", "multiclass"):
        _check_classes(np.ravel(y), folds, groups)
        if isinstance(cv, (StratifiedKFold, StratifiedGroupKFold)):
            _warn_of_rare_classes(np.ravel(y), len(folds), groups)
    return folds


def _check_classes(labels: NDArray, folds: Folds, groups: Any) -> None:
    """Raise an error if a fold tests a class that it does not train."""
    classes, positions = np.unique(labels, return_inverse=True)
    for number, (train, test) in enumerate(folds, start=1):
        trained = np.bincount(positions[train], minlength=len(classes)) > 0
        tested = np.bincount(positions[test], minlength=len(classes)) > 0
        missing = classes[tested & ~trained].tolist()
        if not missing:
            continue
        rows = np.flatnonzero(labels == missing[0])
        count = f"{len(rows):,} {'image' if len(rows) == 1 else 'images'}"
        if groups is not None and len(set(np.asarray(groups, dtype=object)[rows].tolist())) == 1:
            count += f", all of the group {np.asarray(groups, dtype=object)[rows[0]]!r}"
        raise ValueError(
            f"fold {number} of {len(folds)} tests the class {missing[0]!r} and trains without it; "
            f"the class has {count}. Leave the class out, merge it with another one "
            "(sk_fer.datasets.merge_classes), or use other folds"
        )


def _warn_of_rare_classes(labels: NDArray, n_folds: int, groups: Any) -> None:
    """Warn of classes that some of the folds do not test."""
    what, values = "images", np.arange(len(labels), dtype=object)
    if groups is not None:
        what, values = "groups", np.asarray(groups, dtype=object)
    counts = {
        label: len(set(values[labels == label].tolist())) for label in np.unique(labels).tolist()
    }
    rare = [f"{label!r} ({count})" for label, count in counts.items() if count < n_folds]
    if rare:
        warnings.warn(
            f"some of the {n_folds} folds test no images of a class that has fewer {what} than "
            f"there are folds: {', '.join(rare)}",
            stacklevel=4,
        )
