"""Ranges of numbers to choose parameters from, and random candidates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import check_random_state


@dataclass(frozen=True)
class Range:
    """A range of numbers, with both ends.

    Parameters
    ----------
    low, high : int or float
        The ends. If both are of type int, the numbers are integers.
    log : bool, default=False
        Whether the logarithm of a number is uniform, so that 0.01 to 0.1 is as likely as
        0.1 to 1. `low` is then above 0.

    Raises
    ------
    ValueError
        If the ends are not finite numbers with ``low < high``, or `low` is not above 0 with `log`.

    Examples
    --------
    >>> from sk_fer.model_selection._ranges import Range
    >>> 32 <= Range(32, 256, log=True).rvs(random_state=0) <= 256
    True
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Check the ends."""
        for end in (self.low, self.high):
            if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
                raise ValueError(f"got {self}, expected finite numbers as low and high")
        if not self.low < self.high:
            raise ValueError(f"got {self}, expected low < high")
        if not isinstance(self.log, bool):
            raise ValueError(f"got {self}, expected true or false as log")
        if self.log and self.low <= 0:
            raise ValueError(f"got {self}, expected low > 0, because log is true")

    @property
    def of_integers(self) -> bool:
        """Whether the numbers are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def rvs(self, random_state: Any = None) -> float:
        """Draw a number, as :class:`~sklearn.model_selection.ParameterSampler` requires.

        Parameters
        ----------
        random_state : int, RandomState or None, default=None
            The seed or the generator.

        Returns
        -------
        int or float
            The number.
        """
        share = check_random_state(random_state).uniform()
        # Integers are rounded, so that both ends have the same width as the others.
        half = 0.5 if self.of_integers else 0.0
        low, high = self.low - half, self.high + half
        if self.log:
            number = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            number = low + share * (high - low)
        number = min(max(number, self.low), self.high)
        return round(number) if self.of_integers else number


def draw_candidates(
    grids: Sequence[Mapping[str, Sequence[Any] | Range]], n_candidates: int, random_state: int
) -> list[dict[str, Any]]:
    """Draw different candidates at random.

    Parameters
    ----------
    grids : sequence of dict of str to (list or Range)
        The values of each parameter, in one grid or several.
    n_candidates : int
        The number of candidates. If lists alone have fewer combinations, all of these are returned.
    random_state : int
        The seed.

    Returns
    -------
    list of dict
        The parameters of each candidate.
    """
    if not any(isinstance(values, Range) for grid in grids for values in grid.values()):
        n_candidates = min(n_candidates, len(ParameterGrid(grids)))
    return list(ParameterSampler(list(grids), n_candidates, random_state=random_state))
