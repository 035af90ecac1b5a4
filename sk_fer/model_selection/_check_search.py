"""Checks of a search before its first fit: candidates, folds and scorers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.pipeline import Pipeline

from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._targets import encode_targets
from sk_fer.metrics import SCORERS
from sk_fer.model_selection._check_candidates import check_candidates
from sk_fer.model_selection._check_folds import Folds, check_folds


def check_search(
    estimator: Any,
    candidates: Iterable[Mapping[str, Any]],
    X: Any,
    y: Any,
    *,
    cv: Any,
    groups: Any = None,
    scoring: Any = None,
    **split_params: Any,
) -> Folds:
    """Raise an error for what prevents the fits of a search and is known before the first one.

    Parameters
    ----------
    estimator : estimator
        The estimator of the search.
    candidates : iterable of dict
        The parameters of each candidate, as in ``cv_results_["params"]``.
    X : array-like of shape (n_samples, ...)
        The images.
    y : array-like of shape (n_samples,)
        The labels.
    cv : splitter
        The folds, from :func:`sklearn.model_selection.check_cv`.
    groups : array-like of shape (n_samples,), default=None
        The group of each image.
    scoring : str, callable, list, tuple, dict or None, default=None
        The score or scores, as in :class:`~sklearn.model_selection.GridSearchCV`.
    **split_params
        Other parameters of ``split`` of the splitter.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        The rows to train and to test on in each fold.

    Raises
    ------
    ValueError
        As in :func:`check_scoring_names`, :func:`check_candidates`, :func:`check_folds` and
        :func:`check_scorers`. Also if a label is missing.
    """
    check_scoring_names(scoring)
    check_candidates(estimator, candidates)
    classes = is_classifier(estimator)
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(last, BaseFERClassifier):
        encode_targets(y, estimator=type(last).__name__)  # raises if a label is missing
    folds = check_folds(cv, X, y, groups, classes=classes, **split_params)
    if classes:
        check_scorers(scoring, y, folds)
    return folds


def check_scoring_names(scoring: Any) -> None:
    """Raise an error if a score is given by a name that scikit-learn does not know.

    Parameters
    ----------
    scoring : str, callable, list, tuple, dict or None
        The score or scores of a search.

    Raises
    ------
    ValueError
        If a name is not known. The message has the nearest names.
    """
    known = get_scorer_names()
    for scorer in _scorers(scoring).values():
        if isinstance(scorer, str) and scorer not in known:
            ours = f"; pass sk_fer.metrics.SCORERS[{scorer!r}]" if scorer in SCORERS else ""
            near = get_close_matches(scorer, known, n=3)
            hint = f"; the nearest are {', '.join(map(repr, near))}" if near else ""
            raise ValueError(
                f"got scoring={scorer!r}, expected a callable or a name that "
                f"sklearn.metrics.get_scorer_names() returns{ours or hint}"
            )


def check_scorers(scoring: Any, y: Any, folds: Sequence[tuple[NDArray, NDArray]]) -> None:
    """Raise an error if a score that is given by name cannot be computed for these labels.

    Each score is computed for a classifier that predicts the share of each class. Callables are
    not tried, because they can require what only the estimator of the search has.

    Parameters
    ----------
    scoring : str, callable, list, tuple, dict or None
        The score or scores of a search.
    y : array-like of shape (n_samples,)
        The labels.
    folds : sequence of (ndarray, ndarray)
        The rows to train and to test on in each fold.

    Raises
    ------
    ValueError
        If a score raises an error. The message names the score and the fold.
    """
    named = {s: get_scorer(s) for s in _scorers(scoring).values() if isinstance(s, str)}
    if not named or y is None or np.ndim(y) != 1:
        return
    labels = np.asarray(y)
    for number, (train, test) in enumerate(folds, start=1):
        guess = DummyClassifier().fit(np.zeros((len(train), 1)), labels[train])
        for name, scorer in named.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    scorer(guess, np.zeros((len(test), 1)), labels[test])
            except Exception as error:  # a metric can raise any error
                raise ValueError(
                    f"scoring={name!r} cannot be computed on the {len(test):,} test images of fold "
                    f"{number} of {len(folds)}, with {len(np.unique(labels[test]))} classes: "
                    f"{type(error).__name__}: {error}"
                ) from error


def check_any_score(means: NDArray) -> None:
    """Raise an error if no candidate has a score, so that none of them is the best.

    Parameters
    ----------
    means : ndarray of shape (n_candidates,)
        The mean score of each candidate.

    Raises
    ------
    ValueError
        If all are NaN.
    """
    if np.isnan(means).all():
        raise ValueError(
            f"no candidate is the best, because all {len(means)} have the score NaN: in each of "
            "them, a fit or the scorer failed in a fold, or the scorer returned NaN; set "
            "error_score='raise' to see the first error"
        )


def _scorers(scoring: Any) -> dict[Any, Any]:
    if isinstance(scoring, Mapping):
        return dict(scoring)
    if isinstance(scoring, (list, tuple, set)):
        return dict(enumerate(scoring))
    return {"score": scoring}
