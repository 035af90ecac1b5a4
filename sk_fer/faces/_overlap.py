"""Boxes that show the same face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PART = 0.5  # the shared area as a fraction of the smaller box


def distinct(boxes: NDArray[np.float64], order: NDArray[np.intp]) -> list[int]:
    """Return the boxes that are neither copies nor parts of a box before them in an order.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4)
        The left edges, top edges, widths and heights.
    order : ndarray of shape (n,)
        The positions of the boxes, the best first.
    """
    kept: list[int] = []
    for i in order.tolist():
        if all(_overlap(boxes[i], boxes[k]) <= _PART for k in kept):
            kept.append(i)
    return kept


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the shared area of two boxes as a fraction of the smaller one."""
    return shared_area(one, other) / float(min(np.prod(one[2:]), np.prod(other[2:])))


def intersection_over_union(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the shared area of two boxes as a fraction of their union."""
    shared = shared_area(one, other)
    return shared / float(np.prod(one[2:]) + np.prod(other[2:]) - shared)


def shared_area(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the area that two boxes share."""
    start = np.maximum(one[:2], other[:2])
    end = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    return float(np.prod(np.maximum(end - start, 0)))
