"""Labels and soft targets, encoded for the network."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y

# The position of labels that are not in the training labels.
UNSEEN = -1


def encode_targets(
    y: Any, classes: NDArray | None = None, *, estimator: str, name: str = "y"
) -> tuple[NDArray, NDArray]:
    """Find the classes of a target and encode it.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels, or soft targets: the share of each class, which sum to one in each row. The classes
        of soft targets are the column names of a DataFrame, otherwise 0, 1, 2...
    classes : ndarray of shape (n_classes,), default=None
        The sorted classes, if they are known already.
    estimator : str
        The name of the class of the estimator, for error messages.
    name : str, default="y"
        The name of the argument, for error messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The sorted classes.
    encoded : ndarray of shape (n_samples,) or (n_samples, n_classes)
        The positions in `classes` (int64), or the shares (float32).

    Raises
    ------
    ValueError
        If `y` is not a classification target, contains an unknown class, or contains shares that
        are negative or do not sum to one.
    """
    y = _check_target(y, estimator, name)
    if holds_shares(y):
        return _encode_shares(y, classes, name)
    labels = _check_labels(y, estimator, name)
    if classes is None:
        classes, encoded = np.unique(labels, return_inverse=True)
        return classes, encoded.astype(np.int64)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(
            f"{name} has labels that are not among the classes: got {_listed(unknown)}; "
            f"the classes are {_listed(classes)}"
        )
    return classes, np.searchsorted(classes, labels).astype(np.int64)


def encode_seen(
    y: Any, classes: NDArray, *, estimator: str, name: str = "y", effect: str = "count as wrong"
) -> NDArray:
    """Encode a target that is not trained on, which may have labels that `fit` did not see.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels or soft targets. A DataFrame of shares can have other columns than `classes`.
    classes : ndarray of shape (n_classes,)
        The sorted classes of the fit.
    estimator : str
        The name of the class of the estimator, for error messages.
    name : str, default="y"
        The name of the argument, for messages.
    effect : str, default="count as wrong"
        The effect of images with unseen labels, for the warning.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_classes)
        The positions in `classes` (-1 for labels that are not in `classes`), or the shares. If soft
        targets have shares of unseen classes, these are the positions of the largest shares.

    Raises
    ------
    ValueError
        If `y` is not valid as in :func:`encode_targets`, except for unknown classes, or if only one
        of `y` and `classes` has strings.

    Warns
    -----
    UserWarning
        If there are labels that are not in `classes`. The message contains them.
    """
    y = _check_target(y, estimator, name)
    if holds_shares(y):
        if not hasattr(y, "columns"):
            return _encode_shares(y, classes, name)[1]
        columns, shares = _encode_shares(y, None, name)
        positions = _positions(columns, classes, name)
        if not shares[:, positions == UNSEEN].any():
            complete = np.zeros((len(shares), len(classes)), dtype=np.float32)
            complete[:, positions[positions != UNSEEN]] = shares[:, positions != UNSEEN]
            return complete
        largest = shares.argmax(axis=1)
        labels, encoded = columns[largest], positions[largest]
    else:
        labels = _check_labels(y, estimator, name)
        encoded = _positions(labels, classes, name)
    unseen = encoded == UNSEEN
    if unseen.any():
        warnings.warn(
            f"{name} has labels that fit did not see: {_listed(np.unique(labels[unseen]))}; the "
            f"{np.count_nonzero(unseen)} of {len(encoded)} images with them {effect}",
            stacklevel=3,
        )
    return encoded


def check_classes(classes: Any) -> NDArray:
    """Return the sorted labels in the argument `classes` of ``partial_fit``.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        The labels.

    Raises
    ------
    ValueError
        If they are not labels, or fewer than two.
    """
    labels = _as_labels(classes, "classes")
    if labels.ndim != 1 or _missing(labels).any() or len(known := np.unique(labels)) < 2:
        raise ValueError(f"got classes={classes!r}, expected a list of two or more labels")
    return known


def holds_shares(y: Any) -> bool:
    """Return whether a target has a column for each class."""
    shape = np.shape(y)
    return len(shape) == 2 and shape[1] > 1


def _check_target(y: Any, estimator: str, name: str) -> Any:
    if y is None:
        raise ValueError(
            f"{estimator} requires y to be passed, but the target {name} is None; "
            "expected class labels or an (n, n_classes) array of shares"
        )
    return y if hasattr(y, "columns") else _as_labels(y, name)


def _check_labels(y: Any, estimator: str, name: str) -> NDArray:
    y = np.asarray(y)
    if (missing := _missing(y)).any():
        raise ValueError(f"{name} has a missing label in row {int(np.argmax(missing))}")
    labels = _check_y(y, estimator=estimator)
    check_classification_targets(labels)
    return labels


def _positions(labels: NDArray, classes: NDArray, name: str) -> NDArray[np.int64]:
    """Return the position of each label among the classes, or ``UNSEEN``."""
    if len(labels) and isinstance(labels[0], str) != isinstance(classes[0], str):
        got = _listed(np.unique(labels))
        raise ValueError(
            f"{name} has labels of another type than those of fit: got {got}; "
            f"the classes are {_listed(classes)}"
        )
    known = {label: position for position, label in enumerate(classes.tolist())}
    positions = [known.get(label, UNSEEN) for label in labels.tolist()]
    return np.array(positions, dtype=np.int64)


def _column_names(y: Any) -> NDArray | None:
    """Return the names of a table's columns, of pandas, polars or pyarrow."""
    names = getattr(y, "column_names", getattr(y, "columns", None))
    return None if names is None else np.asarray(names)


def _encode_shares(y: Any, classes: NDArray | None, name: str) -> tuple[NDArray, NDArray]:
    names = _column_names(y)
    if names is None:
        names = np.arange(np.shape(y)[1])
    try:
        order = np.argsort(names)
    except TypeError as error:
        raise ValueError(f"the columns of {name} cannot be sorted: {error}") from error
    names = names[order]
    if (names[1:] == names[:-1]).any():
        raise ValueError(f"{name} has several columns with the same name: {_listed(names)}")
    try:
        shares = np.asarray(y, dtype=np.float32)[:, order]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is 2-D, which means soft targets, but: {error}") from error
    sums = shares.sum(axis=1)
    # NaN is not close to 1.
    bad = ~(np.isclose(sums, 1.0, atol=1e-3) & (shares >= 0).all(axis=1))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"{name} is 2-D, which means soft targets; expected shares >= 0 that sum to 1 in each "
            f"row, but row {row} sums to {sums[row]:.6g} with a smallest share of "
            f"{shares[row].min():.6g}"
        )
    if classes is None:
        return names, np.ascontiguousarray(shares)
    if len(names) != len(classes):
        raise ValueError(f"{name} has {len(names)} columns for {len(classes)} classes")
    if _column_names(y) is not None and not np.array_equal(names, classes):
        raise ValueError(
            f"{name} has the columns {_listed(names)}; the classes are {_listed(classes)}"
        )
    return classes, np.ascontiguousarray(shares)


def _as_labels(y: Any, name: str) -> NDArray:
    kind = type(y).__name__
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise ValueError(f"got {name} of type {kind} whose rows differ in length") from error
    if labels.ndim == 0:
        raise ValueError(f"got {name} of type {kind}, expected an array of labels")
    # scikit-learn does not support NumPy's strings of variable length.
    return labels.astype(object) if labels.dtype.kind == "T" else labels


def _missing(labels: NDArray) -> NDArray[np.bool_]:
    from pandas import isna

    missing = np.asarray(isna(labels))
    return np.logical_or.reduce(missing, axis=tuple(range(1, missing.ndim)))


def hard_labels(encoded: NDArray) -> NDArray[np.int64]:
    """Return the position of the class, or of the largest share, of each sample.

    Parameters
    ----------
    encoded : ndarray of shape (n_samples,) or (n_samples, n_classes)
        From :func:`encode_targets`.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    return encoded if encoded.ndim == 1 else encoded.argmax(axis=1)


def class_weights(
    class_weight: Any, classes: NDArray, encoded: NDArray, sample_weight: NDArray | None
) -> NDArray[np.float32] | None:
    """Resolve the `class_weight` parameter to a weight for each class.

    Parameters
    ----------
    class_weight : "balanced", dict or None
        The parameter.
    classes : ndarray of shape (n_classes,)
        The labels.
    encoded : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Targets of the training images.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the training images.

    Returns
    -------
    ndarray of shape (n_classes,) or None

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or if a dict has a label that is not in `classes` and
        lacks one that is. Other labels are accepted if all classes are in the dict, because they
        may be missing in a fold of cross-validation.
    """
    if class_weight is None:
        return None
    if class_weight == "balanced":
        if encoded.ndim == 1:
            counts = np.bincount(encoded, weights=sample_weight, minlength=len(classes))
        else:
            weight = np.ones(len(encoded)) if sample_weight is None else sample_weight
            counts = weight @ encoded
        weights = counts.sum() / (len(classes) * np.where(counts > 0, counts, np.inf))
        return weights.astype(np.float32)
    known = {label: position for position, label in enumerate(classes.tolist())}
    weights = np.ones(len(classes), dtype=np.float32)
    names_all = all(label in class_weight for label in known)
    for label, weight in class_weight.items():
        if label not in known and not names_all:
            raise ValueError(
                f"class_weight names {label!r}, which is not among the classes {_listed(classes)}"
            )
        if not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
            raise ValueError(
                f"class_weight[{label!r}] is {weight!r}; expected a finite number >= 0"
            )
        if label in known:
            weights[known[label]] = weight
    return weights


def _listed(labels: NDArray) -> str:
    shown = ", ".join(repr(label) for label in labels[:12].tolist())
    return f"[{shown}{', ...' if len(labels) > 12 else ''}]"
