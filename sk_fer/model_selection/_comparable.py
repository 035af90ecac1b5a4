"""Classifiers of several presets that can be compared fairly."""

from collections.abc import Sequence
from typing import Any

from sk_fer.estimators import make_classifier
from sk_fer.estimators._base import BaseFERClassifier


def make_classifiers(presets: Sequence[str], **parameters: Any) -> dict[str, BaseFERClassifier]:
    """Make a classifier of each preset, so that all learn from the same images.

    Each classifier has those of `parameters` that it knows. A preset that sets validation images
    aside without using them, which only costs training images, does not do so here: its
    ``validation_fraction`` is None, unless it is one of `parameters`, or the classifier stops
    early or lowers its learning rate at a plateau.

    Parameters
    ----------
    presets : sequence of str
        The names of the presets, as in :func:`sk_fer.make_classifier`.
    **parameters
        Parameters that all classifiers that have them get, such as ``max_epochs``,
        ``random_state`` and ``device``.

    Returns
    -------
    classifiers : dict of str to classifier
        The classifiers, not fitted, by the names of their presets.

    Raises
    ------
    ValueError
        If a preset does not exist or is given twice.
    TypeError
        If none of the classifiers has one of the parameters.

    See Also
    --------
    compare : Fit classifiers on the same images and tabulate their scores.
    sk_fer.make_classifier : Make the classifier of one preset.

    Examples
    --------
    >>> from sk_fer.model_selection import make_classifiers
    >>> classifiers = make_classifiers(["dense", "fast"], max_epochs=5, random_state=0)
    >>> [classifier.max_epochs for classifier in classifiers.values()]
    [5, 5]
    >>> classifiers["dense"].validation_fraction is None
    True
    """
    presets = list(presets)
    for preset in presets:
        if presets.count(preset) > 1:
            raise ValueError(
                f"presets has {preset!r} {presets.count(preset)} times; give each preset once"
            )
    classifiers: dict[str, Any] = {name: make_classifier(name) for name in presets}
    known = {name: classifier.get_params() for name, classifier in classifiers.items()}
    for parameter in parameters:
        if not any(parameter in each for each in known.values()):
            raise TypeError(
                f"none of {', '.join(presets)} has a parameter {parameter!r}; they have "
                f"{', '.join(sorted(set().union(*known.values())))}"
            )
    for name, classifier in classifiers.items():
        classifier.set_params(**{k: v for k, v in parameters.items() if k in known[name]})
        watched = classifier.early_stopping or classifier.lr_schedule == "plateau"
        if not watched and "validation_fraction" not in parameters:
            classifier.set_params(validation_fraction=None)
    return classifiers
