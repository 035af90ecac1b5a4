"""Recognizes a face from frame to frame, and averages what is known about it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sk_fer.faces._overlap import intersection_over_union

_SAME = 0.3  # the least intersection over union of the boxes of one face in two frames


class FacesOverTime:
    """The faces of a video, by the overlap of their boxes, with the means of their probabilities.

    Parameters
    ----------
    smooth : float
        The seconds after which the weight of a frame has fallen to 37 %; 0 for no mean.
    forget_after : float
        The seconds after which a face that was not found again is a new face.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.faces._same_face import FacesOverTime
    >>> faces = FacesOverTime(smooth=0.0, forget_after=1.0)
    >>> left, right = [0, 0, 10, 10], [50, 0, 10, 10]
    >>> for time, boxes in enumerate([[left, right], [right], [left]]):
    ...     print(faces.update(float(time), np.array(boxes), np.ones((len(boxes), 1)))[0])
    [0, 1]
    [1]
    [2]
    """

    def __init__(self, *, smooth: float, forget_after: float) -> None:
        self.smooth = smooth
        self.forget_after = forget_after
        self._n_faces = 0
        self._known: dict[int, tuple[float, NDArray, NDArray]] = {}

    def update(
        self, time: float, boxes: NDArray[np.float64], probabilities: NDArray[np.float64]
    ) -> tuple[list[int], NDArray[np.float64]]:
        """Return the number of each face, and the means of its probabilities.

        Parameters
        ----------
        time : float
            The seconds since the start, greater than before.
        boxes : ndarray of shape (n_faces, 4)
            The left edges, top edges, widths and heights.
        probabilities : ndarray of shape (n_faces, n_classes)
            The probabilities of the classes in this frame.
        """
        self._known = {
            number: face
            for number, face in self._known.items()
            if time - face[0] <= self.forget_after + 1e-6
        }
        overlaps = sorted(
            (
                (intersection_over_union(box, known[1]), i, number)
                for i, box in enumerate(boxes)
                for number, known in self._known.items()
            ),
            key=lambda entry: -entry[0],
        )
        found: dict[int, int] = {}
        for overlap, i, number in overlaps:
            if overlap >= _SAME and i not in found and number not in found.values():
                found[i] = number
        smoothed = probabilities.copy()
        for i, box in enumerate(boxes):
            if i in found:
                before, _, mean = self._known[found[i]]
                kept = math.exp((before - time) / self.smooth) if self.smooth else 0.0
                smoothed[i] = kept * mean + (1 - kept) * probabilities[i]
            else:
                found[i] = self._n_faces
                self._n_faces += 1
            self._known[found[i]] = (time, box, smoothed[i])
        return [found[i] for i in range(len(boxes))], smoothed
