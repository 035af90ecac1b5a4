"""Copies of training images among test images, and the images to keep without copies."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch, check_consistent_length

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer.datasets._names import SUBSETS, subset_of
from sk_fer.model_selection._duplicates import find_duplicates
from sk_fer.model_selection._similar_images import similar_pairs


@validate_params(
    {"train": [Bunch], "test": [Bunch], "near": [Interval(Real, 0, 1, closed="neither")]}
)
def leak_report(train: Bunch, test: Bunch, *, near: float = 0.98) -> Bunch:
    """Count the test images of each class that are copies of training images.

    A classifier can learn copies by heart, so that its accuracy on them says little about other
    faces. If a copy has another label than the training image, one of the two labels is wrong.

    Parameters
    ----------
    train : :class:`~sklearn.utils.Bunch`
        The training images, as the loaders return them, with `images` of dtype uint8 and `target`.
    test : :class:`~sklearn.utils.Bunch`
        The test images in the same form. Their size can differ from that of the training images.
    near : float in (0, 1), default=0.98
        The correlation above which images that only look alike are near copies. The default suits
        photographs from the web. Use 0.995 for pictures from a laboratory, which look alike without
        being copies. See the notes of :func:`find_duplicates`.

    Returns
    -------
    report : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        table : DataFrame
            One row per class of the test images and a last row "all", with the number of
            ``images``, of those that are ``exact`` copies of a training image, of those that are
            ``near`` copies only, and of the copies of which a training image has another label
            (``conflicting``).
        exact : ndarray of shape (n_test,) of bool
            Whether a training image has exactly the same pixels.
        leaked : ndarray of shape (n_test,) of bool
            Whether the image is an exact or a near copy of a training image.
        pairs : ndarray of shape (n_pairs, 2) of int
            The row in `train` and the row in `test` of each pair of copies.
        conflicting : ndarray of shape (n_conflicting, 2) of int
            The pairs whose labels differ.
        summary : str
            A description of the results in a few sentences.

    Raises
    ------
    ValueError
        If a data set has no images, no labels, or images that are not uint8, or if the numbers of
        images and labels differ.

    See Also
    --------
    find_duplicates : Find copies, and describe which images are near copies.
    deduplicate : Choose the images to keep so that there are no copies.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.utils import Bunch
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import leak_report
    >>> train = make_faces(70, return_X_y=False, random_state=0)
    >>> other = make_faces(28, return_X_y=False, random_state=1)
    >>> images = np.concatenate([other.images, train.images[:2]])
    >>> target = np.concatenate([other.target, train.target[:1], ["bored"]])
    >>> report = leak_report(train, Bunch(images=images, target=target))
    >>> report.table.loc["all"].to_dict()
    {'images': 30, 'exact': 2, 'near': 0, 'conflicting': 1}
    >>> np.flatnonzero(report.leaked).tolist()
    [28, 29]
    """
    import pandas as pd

    images, labels = zip(*(_images_and_labels(each) for each in (train, test)), strict=True)
    same = _equal_pairs(*images)
    pairs = np.unique(
        np.concatenate([same, similar_pairs(*images, least_correlation=near)]), axis=0
    )
    exact, leaked, differs = (np.zeros(len(labels[1]), dtype=bool) for _ in range(3))
    exact[same[:, 1]] = True
    leaked[pairs[:, 1]] = True
    one, other = (names[pairs[:, i]].tolist() for i, names in enumerate(labels))
    conflicting = pairs[[a != b for a, b in zip(one, other, strict=True)]]
    differs[conflicting[:, 1]] = True
    masks = {
        "images": np.ones_like(exact),
        "exact": exact,
        "near": leaked & ~exact,
        "conflicting": differs,
    }
    counts = {
        name: [int((mask & (labels[1] == label)).sum()) for label in np.unique(labels[1])]
        for name, mask in masks.items()
    }
    table = pd.DataFrame(counts, pd.Index(np.unique(labels[1]).astype(str), name="class"))
    table.loc["all"] = table.sum()
    report = Bunch(table=table, exact=exact, leaked=leaked, pairs=pairs, conflicting=conflicting)
    report.summary = _summarize(table.loc["all"])
    return report


@validate_params(
    {
        "X": ["array-like", Bunch],
        "y": ["array-like", None],
        "usage": ["array-like", None],
        "near": [Interval(Real, 0, 1, closed="neither"), None],
    }
)
def deduplicate(
    X: ArrayLike | Bunch,
    y: ArrayLike | None = None,
    *,
    usage: ArrayLike | None = None,
    near: float | None = None,
) -> NDArray[np.intp]:
    """Choose the images to keep so that none is a copy of another one.

    Of copies in several splits, the one in the test split is kept, or else the one in the
    validation split, so that scores on these splits remain comparable. Of copies with different
    labels, no training image is kept, since it is not known which label is right.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...) or :class:`~sklearn.utils.Bunch`
        The images, flat or not. Or a data set, as the loaders return it, with its images, target
        and usage.
    y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
        The labels. If None, the labels of copies are not compared.
    usage : array-like of shape (n_samples,), default=None
        The split of each image. If None, all images are training images.
    near : float in (0, 1), default=None
        The correlation above which images that only look alike are copies, too, such as 0.98 for
        photographs from the web; see the notes of :func:`find_duplicates`. If None, images are
        copies if all pixels are equal.

    Returns
    -------
    rows : ndarray of shape (n_kept,) of int
        The rows to keep, in ascending order.

    Raises
    ------
    ValueError
        If X is not an array of images, if X, y and usage differ in length, or if usage contains
        another name than those of training, validation and test.

    See Also
    --------
    find_duplicates : Find copies of images.
    leak_report : Count the copies of training images in the test images of each class.

    Examples
    --------
    >>> from sk_fer.model_selection import deduplicate
    >>> X = [[1, 2], [3, 4], [1, 2], [5, 6], [5, 6]]
    >>> deduplicate(X, usage=["train", "train", "test", "train", "train"]).tolist()
    [1, 2, 3]
    >>> deduplicate(X, ["sad", "sad", "sad", "happy", "sad"]).tolist()
    [0, 1]
    """
    if isinstance(X, Bunch):
        if y is not None or usage is not None:
            raise ValueError("got a Bunch and y or usage, expected a Bunch alone or arrays")
        X, y, usage = X["images"], X.get("target"), X.get("usage")
    found = find_duplicates(X, y, usage=usage, near=near)
    n_images = len(found.group_ids)
    order = np.zeros(n_images, dtype=int)
    if usage is not None:
        order = np.array([SUBSETS.index(_known_split(name)) for name in np.asarray(usage).tolist()])
    kept = np.ones(n_images, dtype=bool)
    for group in found.groups:
        kept[group] = False
        kept[group[order[group].argmax()]] = True  # the first one of the last split
    for group in found.conflicting or []:
        kept[group] &= order[group] > 0
    return np.flatnonzero(kept)


def _known_split(name: Any) -> str:
    known = subset_of(name)
    if known is None:
        raise ValueError(f"got the split {name!r} in usage, expected names such as {SUBSETS}")
    return known


def _images_and_labels(bunch: Bunch) -> tuple[NDArray, NDArray]:
    images, target = bunch.get("images"), bunch.get("target")
    if images is None or not len(images) or target is None:
        raise ValueError("got a data set without images or labels, expected a Bunch with both")
    check_consistent_length(images, target)
    labels = np.asarray(target)
    if labels.ndim == 2:  # shares
        labels = np.asarray(bunch["target_names"])[labels.argmax(axis=1)]
    return np.asanyarray(images), labels


def _equal_pairs(first: NDArray, second: NDArray) -> NDArray[np.intp]:
    """Return the rows of the images of two arrays that have the same pixels."""
    rows: dict[tuple[Any, bytes], list[int]] = {}
    for i, image in enumerate(first):
        rows.setdefault((image.shape, image.tobytes()), []).append(i)
    pairs = [
        (i, j)
        for j, image in enumerate(second)
        for i in rows.get((image.shape, image.tobytes()), ())
    ]
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _summarize(counts: Any) -> str:
    n_images, exact, near, conflicting = (int(count) for count in counts)
    if not exact + near:
        return f"None of {n_images:,} test images is a copy of a training image."
    verb = "is a copy" if exact + near == 1 else "are copies"
    summary = (
        f"{exact + near:,} of {n_images:,} test images {verb} of a training image: {exact:,} exact "
        f"and {near:,} near."
    )
    if conflicting:
        verb = "has" if conflicting == 1 else "have"
        summary += f" {conflicting:,} of them {verb} another label than a training image."
    return summary
