"""Training, validation and test: the splits of the data set, or some made here."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from sk_fer.datasets._names import subset_of


def assign_splits(
    target: NDArray,
    usage: NDArray | None,
    groups: NDArray | None,
    test_size: float,
    seed: int,
    where: str,
) -> tuple[NDArray, str]:
    """Give each image one of "train", "validation" and "test".

    Parameters
    ----------
    target : ndarray of shape (n_samples,)
        Classes, to stratify by.
    usage : ndarray of shape (n_samples,) or None
        The splits of the data set, under any of their names.
    groups : ndarray of shape (n_samples,) or None
        Images of a group stay together.
    test_size : float
        Share to set aside for each split that is made here.
    seed : int
        Source of what is set aside.
    where : str
        The data, for messages.

    Returns
    -------
    splits : ndarray of shape (n_samples,) of str
    note : str
        How they came about.
    """
    splits = np.full(len(target), "train", dtype="U10")
    if usage is not None:
        names = {name: subset_of(name) for name in np.unique(usage).tolist()}
        splits = np.array([names[name] for name in usage.tolist()], dtype="U10")
    held = set(splits.tolist())
    if held >= {"train", "validation"}:
        return splits, "as the data set has them"
    if len(held) > 1 and "train" not in held:
        raise ValueError(f"{where}: no training images, only {' and '.join(sorted(held))}")

    own = len(held) > 1
    made = ["validation"] if own else ["validation", "test"]
    rows = np.flatnonzero(splits == "train") if own else np.arange(len(target))
    splits[rows] = "train"
    for name, fold in zip(made, _folds(target[rows], groups, test_size, seed, where), strict=False):
        splits[rows[fold]] = name
    how = "by class" if groups is None else "by class, no subject in two of them"
    share = 1 / round(1 / test_size)  # folds are whole
    return splits, f"{share:.0%} set aside for {' and for '.join(made)}, {how}, seed {seed}"


def stratified_share(
    rows: NDArray[np.intp], target: NDArray, fraction: float, seed: int
) -> NDArray[np.intp]:
    """Choose the same share of the rows of each class, one of each at least."""
    if not 0 < fraction <= 1:
        raise ValueError(f"--fraction is {fraction:g}; wanted a number above 0, at most 1")
    rng = np.random.default_rng(seed)
    shares = []
    for name in np.unique(target):
        of_class = rng.permutation(rows[target == name])
        shares.append(of_class[: max(1, round(fraction * len(of_class)))])
    return np.sort(np.concatenate(shares))


def _folds(
    target: NDArray, groups: NDArray | None, test_size: float, seed: int, where: str
) -> list[NDArray[np.intp]]:
    if not 0 < test_size <= 1 / 3:
        raise ValueError(f"--test-size is {test_size:g}; wanted a number above 0, at most 0.33")
    n_folds = round(1 / test_size)
    largest = int(np.unique(target, return_counts=True)[1].max())
    if largest < n_folds:
        raise ValueError(
            f"{where}: no class has more than {largest} images, too few to set {test_size:.0%} "
            f"aside; wanted {n_folds} or more, or a larger --test-size"
        )
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A rare class may be missing from what is set aside; the table of the splits shows it.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [fold for _, fold in splitter.split(target, target, groups)]
