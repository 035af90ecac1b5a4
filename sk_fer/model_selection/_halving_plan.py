"""The numbers of epochs and of candidates of successive halving."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.model_selection._check_candidates import describe_candidate


def epochs_of_rungs(
    n_candidates: int, max_epochs: int, *, factor: float = 3, min_epochs: int = 1
) -> list[int]:
    """Return the numbers of epochs after which candidates are compared.

    The last one is `max_epochs`, and each one is `factor` times the one before, rounded. There
    are as many as it takes to leave fewer than `factor` candidates, but none below `min_epochs`.

    Examples
    --------
    >>> from sk_fer.model_selection._halving_plan import epochs_of_rungs
    >>> epochs_of_rungs(24, 27), epochs_of_rungs(24, 27, factor=2), epochs_of_rungs(24, 5)
    ([3, 9, 27], [2, 3, 7, 14, 27], [1, 2, 5])
    """
    epochs = [max_epochs]
    while factor ** len(epochs) <= n_candidates:
        before = round(max_epochs / factor ** len(epochs))
        if not min_epochs <= before < epochs[-1]:
            break
        epochs.append(before)
    return epochs[::-1]


def common_max_epochs(estimator: Any, candidates: Sequence[dict[str, Any]]) -> int:
    """Return the number of epochs of all candidates, after checks of their classifiers."""
    found = {}
    for params in candidates:
        built = clone(estimator).set_params(**clone(params, safe=False))
        last = built[-1] if isinstance(built, Pipeline) else built
        candidate = describe_candidate(params) or "the estimator"
        if not isinstance(last, BaseFERClassifier):
            raise TypeError(
                f"{candidate}: got {last!r}, expected a classifier of sk_fer, alone or as the last "
                "step of a Pipeline; HalvingGridSearchCV of scikit-learn accepts others"
            )
        if last.checkpoint is not None:
            raise ValueError(
                f"{candidate} has checkpoint={last.checkpoint!r}; FERHalvingSearchCV keeps the "
                "states of the fits itself; set checkpoint=None"
            )
        found[last.max_epochs] = candidate
    if len(found) > 1:
        listed = ", ".join(f"{n} of {candidate}" for n, candidate in list(found.items())[:3])
        raise ValueError(
            f"the candidates have different max_epochs: {listed}; FERHalvingSearchCV chooses the "
            "numbers of epochs itself, up to the same max_epochs of all"
        )
    return next(iter(found))


def epochs_between(n_resources: Sequence[int]) -> list[int]:
    """Return the epochs that a candidate trains before each comparison."""
    return [n - before for before, n in pairwise([0, *n_resources])]


def planned_candidates(n_candidates: int, factor: float, n_rungs: int) -> list[int]:
    """Return the number of candidates of each comparison if none fails."""
    planned = [n_candidates]
    while len(planned) < n_rungs:
        planned.append(math.ceil(planned[-1] / factor))
    return planned
