"""Splits the images of a fit into training and validation images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d

from sk_fer._utils._hold_out import hold_out_groups

# The share of the training images that early stopping sets aside if no share is given.
EARLY_STOPPING_FRACTION = 0.1


def fraction_aside(parameters: Mapping[str, Any], valid: object | None) -> float | None:
    """Return the share of the training images to set aside, or None if there are other images."""
    if valid is not None:
        return None
    if parameters["validation_fraction"] is None and parameters["early_stopping"]:
        return EARLY_STOPPING_FRACTION
    return parameters["validation_fraction"]


def split_rows(
    labels: NDArray[np.int64], groups: NDArray[np.intp] | None, fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose the rows to train on and those to validate on, by groups if there are any.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The positions of the classes.
    groups : ndarray of shape (n_samples,) or None
        The numbers of the groups, from :func:`encode_groups`.
    fraction : float in (0, 1)
        The share to validate on.
    seed : int
        The seed of the choice.

    Returns
    -------
    train, valid : ndarray of int
        The sorted rows.
    """
    if groups is None:
        return split_validation(labels, fraction, seed)
    return split_groups(labels, groups, fraction, seed)


def split_validation(
    labels: NDArray[np.int64], fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose the rows to train on and those to validate on.

    One image of each class is always in training. The others are split by class if both sides can
    have images of each class, and otherwise at random.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The positions of the classes.
    fraction : float in (0, 1)
        The share to validate on.
    seed : int
        The random seed.

    Returns
    -------
    train, valid : ndarray of int
        The sorted rows.

    Raises
    ------
    ValueError
        If there are no images left for one side.

    Examples
    --------
    >>> import numpy as np
    >>> train, valid = split_validation(np.array([0, 0, 0, 0, 1, 1, 1, 1, 2]), 0.25, seed=0)
    >>> len(valid), 8 in train
    (2, True)
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    spare = np.delete(order, first)  # one image of each class is in training
    n_valid = round(fraction * len(labels))
    if not 1 <= n_valid <= len(spare):
        raise ValueError(
            f"validation_fraction={fraction} of n_samples={len(labels)} leaves no images for "
            f"training or validation (one image per class is in training, and {len(spare)} are "
            "others); set another validation_fraction, pass X_val, or train without validation "
            "and early_stopping"
        )
    if _stratifiable(labels[spare], n_valid):
        _, valid = train_test_split(
            spare, test_size=n_valid, random_state=seed, stratify=labels[spare]
        )
    else:
        valid = spare[:n_valid]
    valid = np.sort(valid)
    return np.setdiff1d(np.arange(len(labels)), valid, assume_unique=True), valid


def _stratifiable(labels: NDArray[np.int64], n_valid: int) -> bool:
    """Return whether both sides can have images of each class."""
    _, counts = np.unique(labels, return_counts=True)
    n_classes = len(counts)
    return counts.min() > 1 and n_valid >= n_classes and len(labels) - n_valid >= n_classes


def encode_groups(
    groups: Any, n_samples: int, rows: NDArray[np.intp] | None = None
) -> NDArray[np.intp] | None:
    """Return a number for the group of each image.

    Parameters
    ----------
    groups : array-like of shape (n_samples,) or None
        The groups, of any type, such as the names of people.
    n_samples : int
        The number of images.
    rows : ndarray of shape (n_rows,), default=None
        The images whose groups are returned. If None, all are.

    Returns
    -------
    ndarray of shape (n_samples,) or None
        The numbers, or None without groups.

    Raises
    ------
    ValueError
        If `groups` has another length, more dimensions, or a missing value.
    """
    if groups is None:
        return None
    from pandas import factorize

    values = column_or_1d(groups, dtype=object)
    if len(values) != n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {n_samples} and groups has {len(values)}"
        )
    numbers, _ = factorize(values)
    if (numbers < 0).any():
        raise ValueError(f"groups has a missing value in row {int(np.argmin(numbers))}")
    return numbers if rows is None else numbers[rows]


def split_groups(
    labels: NDArray[np.int64], groups: NDArray[np.intp], fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose whole groups to validate on, such as all images of some people.

    At least one image of each class is in training. scikit-learn's splitters do not ensure that,
    and split shares of the groups instead of the images.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The positions of the classes.
    groups : ndarray of shape (n_samples,)
        The numbers of the groups, from :func:`encode_groups`.
    fraction : float in (0, 1)
        The share of the images to validate on, as nearly as the groups allow.
    seed : int
        The random seed.

    Returns
    -------
    train, valid : ndarray of int
        The sorted rows.

    Raises
    ------
    ValueError
        If each group contains all images of a class.

    Examples
    --------
    >>> import numpy as np
    >>> labels, groups = np.arange(20) % 2, np.arange(20) // 2
    >>> train, valid = split_groups(labels, groups, 0.2, seed=0)
    >>> len(valid), set(groups[train]) & set(groups[valid])
    (4, set())
    """
    _, labels = np.unique(labels, return_inverse=True)
    n_held_out = max(1, round(fraction * len(labels)))
    validated = hold_out_groups(groups, labels, n_held_out, seed)
    if not validated.any() or len(np.unique(labels[~validated])) <= labels.max():
        n_groups = len(np.unique(groups))
        raise ValueError(
            f"validation_fraction={fraction} cannot be set aside from {n_groups} groups, because "
            "each group contains all images of a class; pass X_val and y_val, or fit without groups"
        )
    return np.flatnonzero(~validated), np.flatnonzero(validated)
