"""Checks of targets and weights, which turn checked images into data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_sample_weight

from sk_fer.estimators._split import split_rows
from sk_fer.estimators._targets import (
    UNSEEN,
    check_classes,
    class_weights,
    encode_seen,
    encode_targets,
    hard_labels,
    holds_shares,
)

if TYPE_CHECKING:
    from sk_fer.training import FaceDataset


def training_data(
    images: NDArray,
    rows: NDArray[np.intp] | None,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    classes: NDArray | None,
    estimator: str,
) -> tuple[FaceDataset, NDArray, NDArray[np.intp] | None]:
    """Check the targets and weights of training images.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, channels)
        The images, which were checked before.
    rows : ndarray of shape (n_samples,) or None
        The rows of `images` that are the samples. If None, all are.
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        The labels or soft targets.
    sample_weight : array-like of shape (n_samples,) or None
        The weights of the images.
    classes : ndarray of shape (n_classes,) or None
        The classes if they are known already.
    estimator : str
        The name of the class of the estimator, for error messages.

    Returns
    -------
    train : FaceDataset
        The images with a weight above zero. Images without a weight have no effect on batches
        and statistics either.
    classes : ndarray of shape (n_classes,)
        The sorted classes.
    kept : ndarray of int or None
        The samples in `train`, or None if they are all samples.

    Raises
    ------
    ValueError
        If a target or a weight is not valid, or if there is only one class.
    """
    from sk_fer.training import FaceDataset

    samples = images if rows is None else rows
    classes, encoded = encode_targets(y, classes, estimator=estimator)
    check_lengths(samples, encoded, "X", "y")
    weight = None if sample_weight is None else check_weight(sample_weight, samples)
    if len(classes) < 2:
        raise ValueError(
            f"{estimator} needs at least two classes; got one class, {classes.tolist()[0]!r}"
        )
    train = FaceDataset(images, encoded, weight, rows=rows)
    if weight is None:
        return train, classes, None
    kept = np.flatnonzero(weight)
    return train.subset(kept), classes, kept


def validation_data(
    images: NDArray, y_val: ArrayLike, classes: NDArray, estimator: str
) -> FaceDataset:
    """Check the targets of validation images.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width, channels)
        The images, which were checked before.
    y_val : array-like of shape (n_samples,) or (n_samples, n_classes)
        The labels or soft targets. Labels that are not in `classes` have no weight in the loss.
    classes : ndarray of shape (n_classes,)
        The classes of the training images.
    estimator : str
        The name of the class of the estimator, for error messages.

    Returns
    -------
    FaceDataset
        The validation images.

    Raises
    ------
    ValueError
        If a target is not valid, or if all labels are missing in `classes`.
    """
    from sk_fer.training import FaceDataset

    effect = "count as wrong in valid_accuracy and are left out of valid_loss"
    encoded = encode_seen(y_val, classes, estimator=estimator, name="y_val", effect=effect)
    check_lengths(images, encoded, "X_val", "y_val")
    unseen = encoded == UNSEEN
    if encoded.ndim == 2 or not unseen.any():
        return FaceDataset(images, encoded)
    if unseen.all():
        raise ValueError(
            "y_val and y have no label in common, so that there is no validation loss; pass images "
            "of the classes in y"
        )
    return FaceDataset(images, encoded, (~unseen).astype(np.float32))


def split_and_weight(
    train: FaceDataset,
    valid: FaceDataset | None,
    *,
    fraction: float | None,
    groups: NDArray[np.intp] | None,
    seed: int,
    class_weight: Any,
    classes: NDArray,
) -> tuple[FaceDataset, FaceDataset | None]:
    """Set validation images aside, and give all images their weights in the loss.

    Parameters
    ----------
    train : FaceDataset
        The training images.
    valid : FaceDataset or None
        The validation images that were passed to ``fit``.
    fraction : float in (0, 1) or None
        The share of the training images to set aside. If None, no images are set aside.
    groups : ndarray of shape (n_samples,) or None
        The numbers of the groups, from :func:`encode_groups`.
    seed : int
        The seed of the split.
    class_weight : "balanced", dict or None
        The parameter. "balanced" uses the frequencies in the training images that remain.
    classes : ndarray of shape (n_classes,)
        The classes.

    Returns
    -------
    train, valid : FaceDataset
        The data sets. `valid` is None if there are no validation images.

    Raises
    ------
    ValueError
        If the images cannot be split, or if `class_weight` is not valid.
    """
    if fraction is not None:
        rows, aside = split_rows(hard_labels(train.targets), groups, fraction, seed)
        train, valid = train.subset(rows), train.subset(aside)
    weights = class_weights(class_weight, classes, train.targets, train.sample_weight)
    return train.weighted(weights), None if valid is None else valid.weighted(weights)


def partial_fit_classes(
    classes: ArrayLike | None, y: ArrayLike, known: NDArray | None
) -> NDArray | None:
    """Check the `classes` of a call of ``partial_fit``.

    Parameters
    ----------
    classes : array-like of shape (n_classes,) or None
        The argument.
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        The labels or soft targets of the call.
    known : ndarray of shape (n_classes,) or None
        The classes of the calls before, or None in the first call.

    Returns
    -------
    ndarray of shape (n_classes,) or None
        The sorted classes, or None if they are the columns of soft targets.

    Raises
    ------
    ValueError
        If the first call has no classes, or if a later call has other classes.
    """
    if known is not None:
        if classes is not None and not np.array_equal(np.unique(classes), known):
            raise ValueError(
                f"classes={classes!r} is not the same as in the first call to partial_fit: "
                f"{known!r}"
            )
        return known
    if classes is None:
        if holds_shares(y):
            return None
        raise ValueError("classes must be passed on the first call to partial_fit.")
    checked = check_classes(classes)
    if holds_shares(y) and not hasattr(y, "columns") and not np.array_equal(checked, classes):
        raise ValueError(
            f"classes={classes!r} are the names of the columns of y and must be sorted; sort both, "
            "or pass y as a DataFrame"
        )
    return checked


def check_weight(sample_weight: ArrayLike, images: NDArray) -> NDArray[np.float32]:
    """Return the weights of images as float32.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or if there is not one weight per image.
    """
    with np.errstate(over="ignore"):  # values beyond float32 become infinite, which is an error
        return _check_sample_weight(
            sample_weight, images, dtype=np.float32, ensure_non_negative=True
        )


def check_lengths(images: Any, targets: Any, X_name: str, y_name: str) -> None:
    """Raise an error unless there is one target per image.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    if len(images) != len(targets):
        hint = f"; one image is {X_name}[None]" if len(targets) == 1 else ""
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"{X_name} has {len(images)} and {y_name} has {len(targets)}{hint}"
        )
