"""Groups of images set aside, as near to a number of images as they can be."""

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
    """Choose groups that have about `n_held_out` images, and about that share of each class.

    Of many random orders of the groups, this is the start of one that comes nearest. Where it
    can be, an image of each class is left.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        Positions of the groups, from 0.
    labels : ndarray of shape (n_samples,)
        Positions of the classes, from 0.
    n_held_out : int
        Number of images expected, from 1 to `n_samples` - 1.
    seed : int
        Source of the choice.
    n_left : int, default=1
        Least number of groups that are not set aside.

    Returns
    -------
    held_out : ndarray of shape (n_samples,)
        Whether an image is set aside. None is if there are no more groups than `n_left`.

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
    possible = there[(counts[there] < total)[:, total > 0].all(axis=1)]  # take no class away
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
        off += 2 * len(labels) * taken  # counts more than any number of images
        nearest = int(off.argmin())
        if off[nearest] < least:
            best, least = order[: nearest + 1], off[nearest]
    return np.isin(groups, best)
