"""Assignment of images to the training, validation and test split."""

import warnings
from collections import Counter
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer._utils._hold_out import hold_out_groups
from sk_fer.datasets._names import subset_of
from sk_fer.estimators._split import split_validation


@validate_params(
    {
        "bunch": [object],
        "by": [StrOptions({"auto", "usage", "group", "label"})],
        "test_size": [Interval(Real, 0, 0.5, closed="neither")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    }
)
def make_splits(
    bunch: Any, *, by: str = "auto", test_size: float = 0.1, random_state: int = 0
) -> NDArray[np.str_]:
    """Assign each image of a data set to the split "train", "validation" or "test".

    The default is the safe choice for each data set: the splits that it has are kept, and what is
    set aside from its training images has no person, film or other group in common with the rest.

    Parameters
    ----------
    bunch : :class:`~sklearn.utils.Bunch`
        The data set, as the loaders return it. `target` has the label of each image, or shares.
        `usage` has its split in the data set and `groups` its group; both may be missing or None.
    by : {"auto", "usage", "group", "label"}, default="auto"
        How the splits are made.

        - "usage": the splits of the data set are kept. If it has no validation split, one is set
          aside from the training images, by groups if there are any, else by label.
        - "group": the splits of the data set are ignored. Validation and test images are set aside
          so that no group is in two splits. The shares are as close to `test_size` as the groups
          allow.
        - "label": splits and groups of the data set are ignored. Each split has the same share of
          each class.
        - "auto": "usage" if the data set has several splits, else "group" if it has groups, else
          "label".
    test_size : float in (0, 0.5), default=0.1
        The share of the images in the validation split and in the test split that are made
        here.
    random_state : int, default=0
        The seed of the random choice of images.

    Returns
    -------
    splits : ndarray of shape (n_images,) of str
        The split of each image: "train", "validation" or "test". At least one image of each class
        is in training.

    Raises
    ------
    ValueError
        If the data set has no labels, or not the splits or groups that `by` requires; if `target`,
        `usage` and `groups` differ in length; if `usage` contains an unknown name, or several
        splits without training images; if there are too few images or groups.

    Warns
    -----
    UserWarning
        If a group is in two splits of the data set, or if `by` is "label" and there are groups.

    See Also
    --------
    find_duplicates : Find copies of images across splits.
    sk_fer.datasets.load_faces : Load a data set with its `usage` and `groups`.
    sklearn.model_selection.train_test_split : Split arrays in two without groups.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from sk_fer.model_selection import make_splits
    >>> faces = Bunch(target=np.repeat(["happy", "sad"], 10), groups=np.arange(20) // 2)
    >>> splits = make_splits(faces, test_size=0.2)
    >>> [int((splits == name).sum()) for name in ("train", "validation", "test")]
    [12, 4, 4]

    The splits of FER2013 are kept:

    >>> faces = Bunch(target=["happy", "sad"], usage=["Training", "PublicTest"])
    >>> make_splits(faces).tolist()
    ['train', 'validation']
    """
    target, usage, groups = (getattr(bunch, name, None) for name in ("target", "usage", "groups"))
    if target is None:
        raise ValueError("the images have no labels, expected a Bunch with a target")
    target = np.asarray(target)
    if target.ndim == 2:  # shares
        target = target.argmax(axis=1)
    labels = np.unique(column_or_1d(target), return_inverse=True)[1]
    check_consistent_length(labels, usage, groups)
    splits = _known_splits(len(labels), usage)
    if by == "auto":
        by = "usage" if len(set(splits.tolist())) > 1 else "label" if groups is None else "group"
    kind = getattr(bunch, "groups_kind", None) or "group"
    positions = None
    if groups is not None:
        positions = np.unique(column_or_1d(groups), return_inverse=True)[1]
    if by == "usage":
        if len(set(splits.tolist())) < 2:
            raise ValueError(
                'got by="usage", but the data set has no splits or one split only; '
                'by="group" and by="label" make splits'
            )
        _warn_of_shared_groups(splits, positions, kind)
    elif by == "group" and positions is None:
        raise ValueError('got by="group", but the data set has no groups')
    elif by == "label" and positions is not None:
        positions = None
        warnings.warn(
            f"the splits are made by label, so that images of one {kind} are in several splits; "
            f'scores on them are too high for another {kind}: use by="group"',
            stacklevel=2,
        )
    if by != "usage":
        splits[:] = "train"
    held = set(splits.tolist())
    if held >= {"train", "validation"}:
        return splits
    if len(held) > 1 and "train" not in held:
        raise ValueError(f"there are no training images, only {' and '.join(sorted(held))}")
    made = ["validation"] if len(held) > 1 else ["validation", "test"]
    return _set_aside(splits, labels, positions, made, test_size, random_state)


def _set_aside(
    splits: NDArray[np.str_],
    labels: NDArray[np.intp],
    groups: NDArray[np.intp] | None,
    made: list[str],
    test_size: float,
    random_state: int,
) -> NDArray[np.str_]:
    """Return the splits with some of the training images in those that are made."""
    n_rows = int((splits == "train").sum())
    n_held_out = round(test_size * n_rows)
    _check_enough(labels, groups, splits == "train", made, n_held_out, test_size)
    for number, name in enumerate(made):
        rows = np.flatnonzero(splits == "train")
        seed = random_state + number
        if groups is None:
            _, chosen = split_validation(labels[rows], n_held_out / len(rows), seed)
        else:
            of_rows = np.unique(groups[rows], return_inverse=True)[1]
            n_left = len(made) - number
            held_out = hold_out_groups(of_rows, labels[rows], n_held_out, seed, n_left=n_left)
            chosen = np.flatnonzero(held_out)
        splits[rows[chosen]] = name
    return splits


def _warn_of_shared_groups(
    splits: NDArray[np.str_], groups: NDArray[np.intp] | None, kind: str
) -> None:
    if groups is None:
        return
    pairs = set(zip(groups.tolist(), splits.tolist(), strict=True))
    n_shared = sum(count > 1 for count in Counter(group for group, _ in pairs).values())
    if n_shared:
        warnings.warn(
            f"{n_shared} of {len(set(groups.tolist()))} groups ({kind}) have images in several "
            'splits of the data set, so that scores on them are too high; by="group" makes other '
            "splits",
            stacklevel=3,
        )


def _known_splits(n_rows: int, usage: ArrayLike | None) -> NDArray[np.str_]:
    if usage is None:
        return np.full(n_rows, "train", dtype="U10")
    names = column_or_1d(usage).tolist()
    known = {name: subset_of(str(name)) for name in set(names)}
    for name, split in known.items():
        if split is None:
            raise ValueError(f"usage has {name!r}, which is not a known name of a split")
    return np.array([known[name] for name in names], dtype="U10")


def _check_enough(
    labels: NDArray[np.intp],
    groups: NDArray[np.intp] | None,
    free: NDArray[np.bool_],
    made: list[str],
    n_held_out: int,
    test_size: float,
) -> None:
    """Raise a ValueError unless all splits can have images and training all classes."""
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
