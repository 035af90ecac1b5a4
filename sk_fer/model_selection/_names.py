"""The names of classifiers in a comparison."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sklearn.base import BaseEstimator, clone, is_classifier


def name_classifiers(estimators: list[Any] | tuple[Any, ...] | dict[str, Any]) -> dict[str, Any]:
    """Return a clone of each classifier under its name.

    Parameters
    ----------
    estimators : list of classifiers, list of (str, classifier), or dict of str to classifier
        The classifiers, as in :func:`sk_fer.model_selection.compare`.

    Returns
    -------
    dict of str to classifier
        The clones, in the order of `estimators`.

    Raises
    ------
    TypeError
        If one of them is not a classifier.
    ValueError
        If there are none, or if two have the same name.
    """
    pairs = list(estimators.items()) if isinstance(estimators, dict) else estimators
    pairs = [pair if isinstance(pair, tuple) else (None, pair) for pair in pairs]
    if not pairs:
        raise ValueError("got no estimators to compare, expected one at least")
    for i, pair in enumerate(pairs):
        if len(pair) != 2 or not isinstance(pair[0], str | None):
            raise TypeError(f"got estimators[{i}]={pair!r:.200}, expected (name, classifier)")
        name, classifier = pair
        if not (isinstance(classifier, BaseEstimator) and is_classifier(classifier)):
            place = f"estimators[{i}]" if name is None else repr(name)
            raise TypeError(
                f"{place} is {classifier!r:.200} of type {type(classifier).__name__}, expected a "
                "classifier"
            )
    unnamed = [i for i, (name, _) in enumerate(pairs) if name is None]
    made = dict(zip(unnamed, _make_names([pairs[i][1] for i in unnamed]), strict=True))
    names = [made.get(i, name) for i, (name, _) in enumerate(pairs)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"got several estimators of the name {', '.join(map(repr, twice))}, expected each name "
            "once; give them names in a list of (name, classifier)"
        )
    return {name: clone(pair[1]) for name, pair in zip(names, pairs, strict=True)}


def _make_names(classifiers: list[Any]) -> list[str]:
    """Name each classifier after its class and the parameters that differ within the class."""
    alike = defaultdict(list)
    for i, classifier in enumerate(classifiers):
        steps = [step for _, step in getattr(classifier, "steps", [("", classifier)])]
        kinds = [type(step).__name__ for step in steps if isinstance(step, BaseEstimator)]
        alike[" + ".join(kinds)].append(i)
    names = [""] * len(classifiers)
    for kind, places in alike.items():
        settings = [_plain_parameters(classifiers[i]) for i in places]
        unlike = [
            name
            for name in settings[0]
            if len({_shown(each.get(name, ...)) for each in settings}) > 1
        ]
        for i, each in zip(places, settings, strict=True):
            shown = ", ".join(f"{name}={_shown(each[name])}" for name in unlike if name in each)
            names[i] = f"{kind}({shown})" if shown else kind
    return names


def _plain_parameters(classifier: Any) -> dict[str, Any]:
    return {
        name: type(value) if isinstance(value, BaseEstimator) else value
        for name, value in classifier.get_params().items()
        if name != "steps"
    }


def _shown(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)
