"""Checks of the candidates of a search: names, values, devices, packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from sklearn.base import clone

from sk_fer.estimators._runnable import check_runnable


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
    """Return the message for a name that is not a parameter of an estimator or of its steps.

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
