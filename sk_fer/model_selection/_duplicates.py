"""Copies of images, within a split, across splits and across data sets."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.utils import Bunch, check_consistent_length, column_or_1d

from sk_fer._utils._as_array import as_array
from sk_fer._utils._constraints import Interval, validate_params
from sk_fer._utils._digest import digest
from sk_fer._utils._layout import to_images
from sk_fer.model_selection._similar_images import similar_pairs

if TYPE_CHECKING:
    import pandas as pd


@validate_params(
    {
        "X": ["array-like", Bunch],
        "y": ["array-like", Bunch, None],
        "usage": ["array-like", None],
        "near": [Interval(Real, 0, 1, closed="neither"), None],
    }
)
def find_duplicates(
    X: ArrayLike | Bunch,
    y: ArrayLike | Bunch | None = None,
    *,
    usage: ArrayLike | None = None,
    near: float | None = None,
) -> Bunch:
    """Find images that are copies of each other, in one data set or in two.

    Copies of a training image in the test split make a score look better than it is. Of
    copies with different labels, at least one label is wrong.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...) or :class:`~sklearn.utils.Bunch`
        The images, flat or not. A memory map is read row by row. Or a data set, as the loaders
        return it, with its images, target and usage.
    y : array-like of shape (n_samples,) or (n_samples, n_classes), or Bunch, default=None
        The labels. If given, copies with different labels are reported. Or a second data set, if X
        is one: then, its images that are also in X are found.
    usage : array-like of shape (n_samples,), default=None
        The split of each image. If given, copies across splits are counted.
    near : float in (0, 1), default=None
        The correlation above which images that only look alike are copies, too; see the notes. If
        None, images of one data set are copies if all pixels are equal, and 0.995 is used for two
        data sets.

    Returns
    -------
    duplicates : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        groups : list of ndarray of int
            The row numbers of each group of copies.
        group_ids : ndarray of shape (n_samples,) of int
            The group of each image, which is the row of its first copy. Pass it as `groups` to
            :class:`~sklearn.model_selection.StratifiedGroupKFold` to keep copies in one fold.
        n_redundant : int
            The number of images that could be left out: all but one of each group.
        across : DataFrame or None
            In row a and column b, the number of images of split a that are also in split b. On
            the diagonal, the number of images that occur more than once in the split. None if
            `usage` is None.
        conflicting : list of ndarray of int, or None
            The groups with different labels. None if `y` is None.
        pairs : ndarray of shape (n_pairs, 2) of int
            The row in the first and the row in the second data set of each pair of copies. Only for
            two data sets, for which there are no other fields than `conflicting`, the pairs with
            different labels, and `summary`.
        summary : str
            A description of the results in a few sentences.

    Raises
    ------
    ValueError
        If X is not an array of images, or if X, y and usage differ in length.

    See Also
    --------
    leak_report : Count the copies of training images in the test images of each class.
    deduplicate : Choose the images to keep so that there are no copies.
    make_splits : Assign images to splits.
    sklearn.model_selection.GroupKFold : Keep the images of a group in the same fold.

    Notes
    -----
    Images of one data set are compared by the SHA-256 digest of their bytes, so that two images are
    different if one pixel is. Copies that were resized or compressed again are only found with
    `near`.

    With `near`, and in two data sets, images are compared in gray at 16 x 16 pixels, and are copies
    if the correlation of these pixels is above the given value. This requires uint8. Copies of
    another size, contrast or compression are found, also with noise or mirrored. Those that are
    rotated by five degrees or more, or shifted or cropped by more than about a pixel of 48, are
    usually not found: if a data set has augmented copies, split it by groups, such as people, or by
    the file from which each copy was made. The time grows with the square of the number of images:
    about ten seconds for the 32,298 images that FER2013 has for training and validation, which the
    following numbers are about.

    At 0.995, all of 300 images are found again that were saved as JPEG, with quality 50 or with 32
    to 224 pixels. FER2013 also has many photographs twice, with another crop or a watermark, of
    which 0.98 finds more: 1,542 pairs, where 0.995 finds 300; 12 of them are mirrored. Of the pairs
    between 0.98 and 0.985, 28 were looked at, and all show one photograph. Between 0.95 and 0.96,
    some pairs are different photographs. In pictures from a laboratory, 0.98 also finds pairs of
    one person with different expressions: 104 of the 1,048 pairs of CK+48. There, 0.995 finds 657
    pairs, all of one person and one expression.

    Examples
    --------
    >>> from sk_fer.model_selection import find_duplicates
    >>> X = [[1, 2], [3, 4], [1, 2], [5, 6], [5, 6]]
    >>> found = find_duplicates(X, usage=["train", "train", "test", "test", "test"])
    >>> [group.tolist() for group in found.groups]
    [[0, 2], [3, 4]]
    >>> found.across
           train  test
    train      0     1
    test       1     2
    >>> print(found.summary)
    2 of 5 images are copies of another one. 1 of test is in train as well.
    """
    if isinstance(y, Bunch):
        if not isinstance(X, Bunch):
            raise ValueError("got a Bunch as y but not as X, expected two data sets")
        return _compare(X, y, 0.995 if near is None else near)
    if isinstance(X, Bunch):
        X, y, usage = X["images"], X.get("target"), X.get("usage")
    images = np.asanyarray(as_array(X))
    if images.ndim < 2 or not images.size or images.dtype.kind not in "buif":
        raise ValueError(
            f"got X of shape {images.shape} and dtype {images.dtype}, expected images as numbers, "
            "(n_samples, ...)"
        )
    check_consistent_length(images, y, usage)
    groups = _equal_rows(images)
    if near is not None:
        pictures, _ = to_images(images, picture=True)
        pictures = pictures[..., 0] if pictures.shape[3] == 1 else pictures
        pairs = similar_pairs(pictures, least_correlation=near)
        groups = _merge_groups(groups, pairs, len(images))
    group_ids = np.arange(len(images))
    for group in groups:
        group_ids[group] = group[0]
    across = None if usage is None else _count_across(groups, column_or_1d(usage))
    conflicting = None
    if y is not None:
        labels = np.asarray(y)
        conflicting = [group for group in groups if (labels[group] != labels[group[0]]).any()]
    duplicates = Bunch(
        groups=groups,
        group_ids=group_ids,
        n_redundant=sum(len(group) - 1 for group in groups),
        across=across,
        conflicting=conflicting,
    )
    duplicates.summary = _summarize(duplicates, len(images))
    return duplicates


def _compare(first: Bunch, second: Bunch, near: float) -> Bunch:
    images, others = (np.asanyarray(bunch["images"]) for bunch in (first, second))
    pairs = similar_pairs(images, others, least_correlation=near)
    labels = [bunch.get("target") for bunch in (first, second)]
    conflicting = None
    if all(each is not None and np.ndim(each) == 1 for each in labels):
        one, other = (np.asarray(each)[pairs[:, i]] for i, each in enumerate(labels))
        conflicting = pairs[one != other]
    n_second = len(np.unique(pairs[:, 1]))
    verb = "is" if n_second == 1 else "are"
    summary = (
        f"{n_second:,} of {len(second['images']):,} images of the second data set {verb} among the "
        f"{len(first['images']):,} of the first."
    )
    if conflicting is not None and len(conflicting):
        count = len(conflicting)
        summary += f" {count:,} pair{'s have' if count > 1 else ' has'} different labels."
    return Bunch(pairs=pairs, conflicting=conflicting, summary=summary)


def _equal_rows(images: NDArray) -> list[NDArray[np.intp]]:
    rows = defaultdict(list)
    for i, image in enumerate(images):
        rows[digest(np.ascontiguousarray(image).data)].append(i)
    return [np.array(group) for group in rows.values() if len(group) > 1]


def _merge_groups(
    groups: list[NDArray[np.intp]], pairs: NDArray[np.intp], n_images: int
) -> list[NDArray[np.intp]]:
    """Return the groups of images that are connected by copies."""
    edges = [np.column_stack([np.repeat(group[0], len(group)), group]) for group in groups]
    rows, columns = np.concatenate([pairs, *edges]).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n_images, n_images))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return sorted((part for part in parts if len(part) > 1), key=lambda part: part[0])


def _count_across(groups: list[NDArray[np.intp]], usage: NDArray) -> pd.DataFrame:
    import pandas as pd

    codes, splits = pd.factorize(usage)
    if (codes < 0).any():
        raise ValueError(f"usage has a missing value in row {int(np.argmax(codes < 0))}")
    counts = np.zeros((len(groups), len(splits)), dtype=np.int64)
    for row, group in zip(counts, groups, strict=True):
        np.add.at(row, codes[group], 1)
    table = counts.T @ (counts > 0)
    np.fill_diagonal(table, (counts * (counts > 1)).sum(axis=0))
    return pd.DataFrame(table, index=splits, columns=splits)


def _summarize(duplicates: Bunch, n_images: int) -> str:
    if not duplicates.groups:
        return f"None of {n_images:,} images is a copy of another one."
    n_redundant = duplicates.n_redundant
    copies = "is a copy" if n_redundant == 1 else "are copies"
    sentences = [f"{n_redundant:,} of {n_images:,} images {copies} of another one."]
    if duplicates.across is not None:
        for first, second in combinations(duplicates.across, 2):
            count = duplicates.across.loc[second, first]
            if count:
                verb = "is" if count == 1 else "are"
                sentences.append(f"{count:,} of {second} {verb} in {first} as well.")
    if duplicates.conflicting:
        count = len(duplicates.conflicting)
        noun, verb = ("group", "has") if count == 1 else ("groups", "have")
        sentences.append(f"{count:,} {noun} of copies {verb} differing labels.")
    return " ".join(sentences)
