"""Assignment of images to the training, validation and test split."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer._utils._hold_out import hold_out_groups
from sk_fer.datasets._names import subset_of
from sk_fer.estimators._split import split_validation


@validate_params(
    {
        "y": ["array-like"],
        "usage": ["array-like", None],
        "groups": ["array-like", None],
        "test_size": [Interval(Real, 0, 0.5, closed="neither")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    }
)
def assign_splits(
    y: ArrayLike,
    *,
    usage: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    test_size: float = 0.1,
    random_state: int = 0,
) -> NDArray[np.str_]:
    """Assign each image to one of the splits "train", "validation" and "test".

    Splits of the data set are kept. If it has no validation split, one is taken from the
    training images. If it has no splits, a validation and a test split are made.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The label of each image. Each split that is made here has the same share of each class
        and leaves at least one image of each class for training.
    usage : array-like of shape (n_samples,) of str, default=None
        The split of each image in the data set, under any of its names, such as the `usage`
        that the loaders return.
    groups : array-like of shape (n_samples,), default=None
        The group of each image, for example the person that it shows, such as the `groups`
        that the loaders return. Splits that are made here keep the images of a group together,
        and their shares are as close to `test_size` as the groups allow.
    test_size : float in (0, 0.5), default=0.1
        The share of the images in the validation split and in the test split that are made
        here.
    random_state : int, default=0
        The seed of the random choice of images.

    Returns
    -------
    splits : ndarray of shape (n_samples,) of str
        The split of each image: "train", "validation" or "test".

    Raises
    ------
    ValueError
        If y, usage and groups differ in length; if `usage` contains an unknown name, or several
        splits without training images; if there are too few images or groups.

    See Also
    --------
    find_duplicates : Find copies of images across splits.
    sk_fer.datasets.load_faces : Load a data set with its `usage` and `groups`.
    sklearn.model_selection.train_test_split : Split arrays in two without groups.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.model_selection import assign_splits
    >>> y = np.repeat(["happy", "sad"], 10)
    >>> splits = assign_splits(y, test_size=0.3)
    >>> [int((splits == name).sum()) for name in ("train", "validation", "test")]
    [8, 6, 6]

    The splits of FER2013 are kept:

    >>> assign_splits(["happy", "sad"], usage=["Training", "PublicTest"]).tolist()
    ['train', 'validation']
    """
    labels = np.unique(column_or_1d(y), return_inverse=True)[1]
    check_consistent_length(labels, usage, groups)
    splits = _known_splits(len(labels), usage)
    held = set(splits.tolist())
    if held >= {"train", "validation"}:
        return splits
    if len(held) > 1 and "train" not in held:
        raise ValueError(f"there are no training images, only {' and '.join(sorted(held))}")
    made = ["validation"] if len(held) > 1 else ["validation", "test"]
    if len(held) == 1:
        splits[:] = "train"
    n_rows = int((splits == "train").sum())
    n_held_out = round(test_size * n_rows)
    positions = None
    if groups is not None:
        positions = np.unique(column_or_1d(groups), return_inverse=True)[1]
    _check_enough(labels, positions, splits == "train", made, n_held_out, test_size)
    for number, name in enumerate(made):
        rows = np.flatnonzero(splits == "train")
        seed = random_state + number
        if positions is None:
            _, chosen = split_validation(labels[rows], n_held_out / len(rows), seed)
        else:
            of_rows = np.unique(positions[rows], return_inverse=True)[1]
            n_left = len(made) - number
            held_out = hold_out_groups(of_rows, labels[rows], n_held_out, seed, n_left=n_left)
            chosen = np.flatnonzero(held_out)
        splits[rows[chosen]] = name
    return splits


def _known_splits(n_rows: int, usage: ArrayLike | None) -> NDArray[np.str_]:
    if usage is None:
        return np.full(n_rows, "train", dtype="U10")
    names = column_or_1d(usage).tolist()
    known = {name: subset_of(str(name)) for name in set(names)}
    for name, split in known.items():
        if split is None:
            raise ValueError(f"usage has {name!r}, which is no known name of a split")
    return np.array([known[name] for name in names], dtype="U10")


def _check_enough(
    labels: NDArray[np.intp],
    groups: NDArray[np.intp] | None,
    free: NDArray[np.bool_],
    made: list[str],
    n_held_out: int,
    test_size: float,
) -> None:
    """Raise a ValueError unless each split gets images and leaves some of each class."""
    n_rows, n_classes = int(free.sum()), len(np.unique(labels[free]))
    if n_held_out < 1 or n_rows - len(made) * n_held_out < n_classes:
        raise ValueError(
            f"{n_rows} images of {n_classes} classes are too few to set {test_size:.3g} of them "
            f"aside for {' and for '.join(made)}, and to leave one of each class for training"
        )
    if groups is not None:
        n_groups = len(np.unique(groups[free]))
        if n_groups <= len(made):
            raise ValueError(
                f"there are {n_groups} groups, such as people, too few for training, "
                f"{' and '.join(made)}; expected {len(made) + 1} or more"
            )
