"""The validation images that a fit sets aside for itself."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split


def split_validation(
    labels: NDArray[np.int64], fraction: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose the rows to train on and those to validate on.

    Classes with one image stay in training; the others are split in proportion where
    each side can have an image of each, and at random where not.

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
    counts = np.bincount(labels)
    shared = np.flatnonzero(counts[labels] > 1)
    n_valid = round(fraction * len(labels))
    if not 1 <= n_valid < len(shared):
        raise ValueError(
            f"validation_fraction={fraction} of n_samples={len(labels)}, of which "
            f"{len(shared)} are not alone in their class, leaves no images to train or to "
            "validate on; use validation_fraction=None or pass X_val"
        )
    n_classes = len(np.unique(labels[shared]))
    stratifiable = n_valid >= n_classes and len(shared) - n_valid >= n_classes
    _, valid = train_test_split(
        shared,
        test_size=n_valid,
        random_state=seed,
        stratify=labels[shared] if stratifiable else None,
    )
    valid = np.sort(valid)
    return np.setdiff1d(np.arange(len(labels)), valid, assume_unique=True), valid
