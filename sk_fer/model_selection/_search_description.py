"""The description of a search, by which a journal recognizes that it is the same one."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from pickle import PicklingError
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from sk_fer._utils._array_digest import checksum
from sk_fer._utils._library_versions import library_versions
from sk_fer._utils._other_run import OtherRunError
from sk_fer.model_selection._check_candidates import describe_candidate

# Parameters that do not change the scores.
_WITHOUT_EFFECT = ("verbose", "n_jobs", "memory")
# What the pickling of a lambda, for example, raises.
_NOT_PICKLED = (PicklingError, AttributeError, TypeError)


def describe_search(
    estimator: Any,
    candidates: Iterable[Mapping[str, Any]],
    X: Any,
    y: Any,
    folds: Iterable[tuple[Any, Any]],
    *,
    scoring: Any,
    **settings: Any,
) -> dict[str, Any]:
    """Describe a search by texts and checksums, to compare it with that of a journal.

    Parameters
    ----------
    estimator : estimator
        The estimator of the search.
    candidates : iterable of dict
        The parameters of the candidates.
    X, y : array-like
        The images and labels.
    folds : iterable of (ndarray, ndarray)
        The rows of the folds.
    scoring : str, callable, list, tuple, dict or None
        The score or scores. A function counts as the same if it has the same name.
    **settings
        Other arguments of the search, by name.

    Returns
    -------
    dict
        The description, which JSON can contain.

    Raises
    ------
    ValueError
        If a value cannot be pickled, so that it cannot be compared with another one.
    """
    params = {"estimator": type(estimator).__name__, **estimator.get_params()}
    return {
        "estimator": {
            name: _named_text(name, value)
            for name, value in params.items()
            if name.rpartition("__")[2] not in _WITHOUT_EFFECT
        },
        "candidates": {hash_of(params): texts(params) for params in candidates},
        "data": {
            "X": _of_data(X),
            "y": _of_data(y),
            "cv": joblib.hash([(np.asarray(a), np.asarray(b)) for a, b in folds]),
        },
        "scoring": _of_scoring(scoring),
        "settings": {name: _named_text(name, value) for name, value in settings.items()},
        "versions": library_versions(),
    }


def check_same_search(there: Mapping[str, Any], here: Mapping[str, Any], folder: Path) -> None:
    """Raise an error if a journal is of another search, and warn of other versions.

    Parameters
    ----------
    there, here : mapping of str to object
        The description in the journal, and that of the search.
    folder : Path
        The folder of the journal.

    Raises
    ------
    ValueError
        If they differ. The message names the first differences.
    """
    reasons = [
        f"{name} was {before or 'not there'} and is {now or 'not there'}"
        for section in ("estimator", "settings")
        for name, before, now in _differences(there[section], here[section])
    ]
    for _, before, now in _differences(there["candidates"], here["candidates"]):
        state = "is new" if before is None else "is missing"
        reasons.append(f"the candidate {before or now} {state}")
    reasons += [f"{name} differs" for name, _, _ in _differences(there["data"], here["data"])]
    if there["scoring"] != here["scoring"]:
        reasons.append(f"scoring was {there['scoring']} and is {here['scoring']}")
    if reasons:
        more = f"; and {len(reasons) - 5} more" if len(reasons) > 5 else ""
        raise OtherRunError(
            f"the journal in {folder} is of another search: {'; '.join(reasons[:5])}{more}. "
            "Use another folder, or remove this one to fit all candidates again"
        )
    others = list(_differences(there["versions"], here["versions"]))
    if others:
        listed = ", ".join(f"{name} {before} (now {now})" for name, before, now in others)
        warnings.warn(
            f"the finished fits in {folder} were made with {listed}; their scores may differ "
            "slightly from those of new fits",
            stacklevel=3,
        )


def _differences(
    there: Mapping[str, Any], here: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    for name in {**there, **here}:
        if there.get(name) != here.get(name):
            yield name, there.get(name), here.get(name)


def hash_of(params: Mapping[str, Any]) -> str:
    """Return a short text that tells the parameters of a candidate from others."""
    try:
        return joblib.hash(dict(params))
    except _NOT_PICKLED as error:
        raise _no_journal(f"the candidate {describe_candidate(params)}", error) from error


def texts(params: Mapping[str, Any]) -> str:
    """Return the parameters of a candidate as text, without the values of large objects."""
    return ", ".join(f"{name}={_text(params[name])}" for name in sorted(params)) or "defaults"


def _named_text(name: str, value: Any) -> str:
    try:
        return _text(value)
    except _NOT_PICKLED as error:
        raise _no_journal(f"a search with {name}={value!r}", error) from error


def _no_journal(what: str, error: Exception) -> ValueError:
    return ValueError(
        f"{what} cannot have a journal, because a value cannot be pickled: {error}; use a function "
        "of a module instead of a lambda, or no journal"
    )


def _text(value: Any) -> str:
    """Return a value as text that is the same in each process and differs for other values."""
    if isinstance(value, BaseEstimator):
        return type(value).__name__  # its parameters have their own names
    if isinstance(value, (bool, int, float, str, type(None), PathLike)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    return f"{type(value).__name__} {joblib.hash(value)[:8]}"


def _of_data(data: Any) -> str | None:
    if data is None:
        return None
    if isinstance(data, np.ndarray) and not data.dtype.hasobject:
        return checksum(data)
    return joblib.hash(data)


def _of_scoring(scoring: Any) -> Any:
    if isinstance(scoring, Mapping):
        return {str(name): _of_scoring(scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, (list, tuple)):
        return [_of_scoring(scorer) for scorer in scoring]
    if isinstance(scoring, partial):
        return _of_scoring(scoring.func)
    if scoring is None or isinstance(scoring, str):
        return scoring
    if type(scoring).__repr__ is object.__repr__:  # has the address, which differs each time
        return _named_text("scoring", scoring)
    return getattr(scoring, "__qualname__", None) or repr(scoring)
