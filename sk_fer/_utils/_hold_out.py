"""Sets groups of images aside, with about a given number of images."""

import numpy as np
from numpy.typing import NDArray

_N_DRAWS = 100


def hold_out_groups(
    groups: NDArray[np.intp],
    labels: NDArray[np.intp],
    n_held_out: int,
    seed: int,
    *,
    n_left: int = 1,
) -> NDArray[np.bool_]:
    """Choose groups that have about `n_held_out` images, and about the same share of each class.

    The groups are the first ones in the best of many random orders. If possible, at least one image
    of each class is not set aside.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        The group of each image, from 0.
    labels : ndarray of shape (n_samples,)
        The class of each image, from 0.
    n_held_out : int
        The number of images to set aside, from 1 to `n_samples` - 1.
    seed : int
        The random seed.
    n_left : int, default=1
        The smallest number of groups that are not set aside.

    Returns
    -------
    held_out : ndarray of shape (n_samples,)
        Whether each image is set aside. If there are at most `n_left` groups, no image is.

    Examples
    --------
    >>> import numpy as np
    >>> groups = np.array([0, 0, 0, 0, 0, 1, 1, 2, 3, 3])
    >>> held_out = hold_out_groups(groups, np.zeros(10, dtype=int), 3, seed=0)
    >>> np.flatnonzero(held_out).tolist() in ([5, 6, 7], [7, 8, 9])
    True
    """
    counts = np.zeros((groups.max() + 1, labels.max() + 1), dtype=np.intp)
    np.add.at(counts, (groups, labels), 1)
    total = counts.sum(axis=0)
    expected = total * (n_held_out / len(labels))
    there = np.flatnonzero(counts.any(axis=1))
    possible = there[
        (counts[there] < total)[:, total > 0].all(axis=1)
    ]  # groups that leave images of each class
    if not len(possible):
        possible = there
    most = max(0, len(there) - n_left)
    rng = np.random.default_rng(seed)
    best, least = groups[:0], np.inf
    for _ in range(_N_DRAWS if most else 0):
        order = rng.permutation(possible)
        held_out = counts[order].cumsum(axis=0)[:most]
        off = np.abs(held_out - expected).sum(axis=1) + np.abs(held_out.sum(axis=1) - n_held_out)
        taken = ((held_out == total) & (total > 0)).sum(axis=1)
        off += 2 * len(labels) * taken  # outweighs any number of images
        nearest = int(off.argmin())
        if off[nearest] < least:
            best, least = order[: nearest + 1], off[nearest]
    return np.isin(groups, best)
