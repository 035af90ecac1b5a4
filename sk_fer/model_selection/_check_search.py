"""Checks of a search before its first fit: candidates, folds and scorers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples

from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._runnable import check_runnable
from sk_fer.estimators._split import encode_groups
from sk_fer.estimators._targets import encode_targets
from sk_fer.metrics import SCORERS

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def check_search(
    estimator: Any,
    candidates: Iterable[Mapping[str, Any]],
    X: Any,
    y: Any,
    *,
    cv: Any,
    groups: Any = None,
    scoring: Any = None,
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
    folds = check_folds(cv, X, y, groups, classes=classes)
    if classes:
        check_scorers(scoring, y, folds)
    return folds


def check_candidates(estimator: Any, candidates: Iterable[Mapping[str, Any]]) -> None:
    """Raise an error if a candidate cannot be fitted, whatever the data.

    Parameters
    ----------
    estimator : estimator
        The estimator of the search. It is not changed.
    candidates : iterable of dict
        The parameters of each candidate.

    Raises
    ------
    ValueError
        If the estimator or one of its steps has no parameter of a name, if a value has the wrong
        type or is not in its range, or if a device, a file of weights or a package is missing. The
        message has a candidate for each reason.
    """
    reasons: dict[str, list[str]] = {}
    causes = []
    n_candidates = 0
    for candidate in candidates:
        n_candidates += 1
        try:
            _check_candidate(estimator, candidate)
        except Exception as error:  # estimators of other packages can raise any error
            reasons.setdefault(str(error), []).append(describe_candidate(candidate))
            causes.append(error)
    if not n_candidates:
        raise ValueError("the search has no candidates; expected one at least")
    if reasons:
        listed = "\n".join(f"{named[0] or 'defaults'}: {why}" for why, named in reasons.items())
        raise ValueError(
            f"{len(causes)} of {n_candidates} candidates cannot be fitted, and none was:\n{listed}"
        ) from causes[0]


def describe_candidate(params: Mapping[str, Any]) -> str:
    """Return the parameters of a candidate as text.

    Examples
    --------
    >>> describe_candidate({"lr": 0.1, "optimizer": "sgd"})
    "lr=0.1, optimizer='sgd'"
    """
    return ", ".join(f"{name}={value!r}" for name, value in params.items())


def check_folds(cv: Any, X: Any, y: Any, groups: Any = None, *, classes: bool = True) -> Folds:
    """Make the folds of a search, and raise an error if they cannot be used.

    Parameters
    ----------
    cv : splitter
        The folds. Its random state is not changed.
    X : array-like of shape (n_samples, ...)
        The images.
    y : array-like of shape (n_samples,)
        The labels.
    groups : array-like of shape (n_samples,), default=None
        The group of each image.
    classes : bool, default=True
        Whether `y` has labels of classes, which the folds must be able to train.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        The rows to train and to test on in each fold.

    Raises
    ------
    ValueError
        If the splitter needs groups and there are none; if a group is missing; if there are fewer
        images or groups than folds; if a fold tests a class that it does not train.
    """
    if groups is not None:
        encode_groups(groups, _num_samples(X))  # raises if they are not valid
    elif get_routing_for_object(cv).consumes("split", ["groups"]):
        raise ValueError(
            f"cv={cv!r} splits by groups, but groups is None; pass the group of each image, such "
            "as the person, as groups="
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the search splits again, and then warns
            split = deepcopy(cv).split(X, y, groups)
            folds = [(np.asarray(train), np.asarray(test)) for train, test in split]
    except ValueError as error:
        raise ValueError(f"the folds of cv={cv!r} cannot be made: {error}") from error
    if not folds:
        raise ValueError(f"cv={cv!r} makes no folds; expected one at least")
    for number, fold in enumerate(folds, start=1):
        for part, rows in zip(("train", "test"), fold, strict=True):
            if not len(rows):
                raise ValueError(
                    f"the folds of cv={cv!r} cannot be made: fold {number} of {len(folds)} has no "
                    f"images to {part} on; use fewer folds than there are "
                    f"{'images' if groups is None else 'groups'}"
                )
    if classes and y is not None and type_of_target(y) in ("binary", "multiclass"):
        _check_classes(np.ravel(y), folds, groups)
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


def _scorers(scoring: Any) -> dict[Any, Any]:
    if isinstance(scoring, Mapping):
        return dict(scoring)
    if isinstance(scoring, (list, tuple, set)):
        return dict(enumerate(scoring))
    return {"score": scoring}


def _check_candidate(estimator: Any, candidate: Mapping[str, Any]) -> None:
    values = clone(dict(candidate), safe=False)
    try:
        built = clone(estimator).set_params(**values)
    except Exception:
        _check_names(estimator, values)
        raise
    if hasattr(estimator, "predict") and not hasattr(built, "predict"):
        raise ValueError("its last step has no method predict; expected a classifier")
    check_runnable(built)


def _check_names(estimator: Any, candidate: Mapping[str, Any]) -> None:
    """Raise an error that has the nearest names if the estimator has no parameter of a name."""
    built = clone(estimator)
    before = built.get_params()
    for name in sorted(candidate, key=lambda name: name.count("__")):
        known = built.get_params()
        if name not in known:
            step, _, rest = name.rpartition("__")
            if name in before:
                raise ValueError(
                    f"{step!r} is {known[step]!r} in this candidate, and has no parameter "
                    f"{rest!r}; pass a list of two grids, one of them without {name!r}"
                )
            raise ValueError(unknown_name(built, name))
        built.set_params(**{name: candidate[name]})


def unknown_name(estimator: Any, name: str) -> str:
    """Return the message for a name that is no parameter of an estimator or of its steps.

    Parameters
    ----------
    estimator : estimator
        The estimator, for example a Pipeline.
    name : str
        The name, with the step, as in ``"cnn__lr"``.

    Examples
    --------
    >>> from sk_fer import FERDenseClassifier
    >>> unknown_name(FERDenseClassifier(), "droput")
    "FERDenseClassifier has no parameter 'droput'; the nearest name is 'dropout'"
    """
    parameters = estimator.get_params()
    step, _, rest = name.rpartition("__")
    owner = parameters.get(step)
    if hasattr(owner, "get_params"):
        words = f"{type(owner).__name__}, the step {step!r}, has no parameter {rest!r}"
        known = {each: f"{step}__{each}" for each in owner.get_params(deep=False)}
        close = get_close_matches(rest, known, n=3)
    else:
        words = f"{type(estimator).__name__} has no parameter {name!r}"
        known = {each: each for each in parameters}
        close = get_close_matches(name, known, n=3)
        close += [each for each in known if each.endswith(f"__{name}") and each not in close]
    if close:
        nearest = ", ".join(repr(known[each]) for each in close)
        return f"{words}; the nearest {'name is' if len(close) == 1 else 'names are'} {nearest}"
    steps = [each for each, _ in getattr(estimator, "steps", [])]
    if owner is None and steps:
        return f"{words}; its steps are {', '.join(steps)}"
    return f"{words}; it has {', '.join(sorted(known))}"


def _check_classes(labels: NDArray, folds: Folds, groups: Any) -> None:
    """Raise an error if a fold tests a class that it does not train."""
    classes, positions = np.unique(labels, return_inverse=True)
    for number, (train, test) in enumerate(folds, start=1):
        trained = np.bincount(positions[train], minlength=len(classes)) > 0
        tested = np.bincount(positions[test], minlength=len(classes)) > 0
        missing = classes[tested & ~trained].tolist()
        if not missing:
            continue
        rows = np.flatnonzero(labels == missing[0])
        count = f"{len(rows):,} {'image' if len(rows) == 1 else 'images'}"
        if groups is not None and len(set(np.asarray(groups, dtype=object)[rows].tolist())) == 1:
            count += f", all of the group {np.asarray(groups, dtype=object)[rows[0]]!r}"
        raise ValueError(
            f"fold {number} of {len(folds)} tests the class {missing[0]!r} and trains without it; "
            f"the class has {count}. Leave the class out, merge it with another one "
            "(sk_fer.datasets.merge_classes), or use other folds"
        )
