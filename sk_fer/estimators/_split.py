"""The validation images that a fit sets aside for itself."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split


def split_validation(
    labels: NDArray[np.int64], fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose the rows to train on and those to validate on.

    One image of each class stays in training; the others are split in proportion where
    each side can have an image of each class, and at random where not.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Class positions.
    fraction : float in (0, 1)
        Share to validate on.
    seed : int
        Source of the choice.

    Returns
    -------
    train, valid : ndarray of int
        Sorted row numbers.

    Raises
    ------
    ValueError
        If one side would be empty.

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
    spare = np.delete(order, first)  # one image of each class stays in training
    n_valid = round(fraction * len(labels))
    if not 1 <= n_valid <= len(spare):
        raise ValueError(
            f"validation_fraction={fraction} of n_samples={len(labels)}, of which "
            f"{len(spare)} can be spared, leaves no images to train or to validate on; use "
            "validation_fraction=None or pass X_val"
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
    """Whether scikit-learn can give both sides a share of each class."""
    _, counts = np.unique(labels, return_counts=True)
    n_classes = len(counts)
    return counts.min() > 1 and n_valid >= n_classes and len(labels) - n_valid >= n_classes
