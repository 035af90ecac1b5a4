"""The documentation of the parameters whose values are names in a table."""

import json
from collections.abc import Iterable, Mapping
from textwrap import fill
from typing import Any

from sk_fer._utils._choices import CHANGES, LOSSES, OPTIMIZERS, SCHEDULES

DEFAULT_AUGMENTATION = {"flip": 0.5, "shift": 0.1, "rotation": 10.0, "scale": 0.1}
# Measured by benchmarks/recipe.py: a fit of few epochs learns most from images that are mirrored
# only, a fit of many epochs overfits without the other changes.
FEW_EPOCHS = 10
MANY_EPOCHS = 30


def name_set(names: Iterable[str]) -> str:
    """Return names as a numpydoc type.

    Examples
    --------
    >>> name_set(["sgd", "adam"])
    '{"sgd", "adam"}'
    """
    return f"{{{', '.join(_quoted(names))}}}"


def listed(words: Iterable[str]) -> str:
    """Return words as a part of a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def names_by_value(table: Mapping[str, Any], field: str) -> str:
    """Return the values of a field, each with the names of the entries that have it.

    Examples
    --------
    >>> names_by_value(OPTIMIZERS, "momentum")
    '0.6 for "muon", 0.9 for "sgd" and 0 for "rmsprop"'
    """
    names: dict[float, list[str]] = {}
    for name, entry in table.items():
        value = getattr(entry, field)
        if value is not None:
            names.setdefault(value, []).append(name)
    return listed(f"{value:g} for {listed(_quoted(group))}" for value, group in names.items())


def _quoted(names: Iterable[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _sentences(table: Mapping[str, Any]) -> str:
    """Return a sentence for each entry of a table that has a text."""
    return " ".join(f'"{name}" {entry.text}.' for name, entry in table.items() if entry.text)


def _parameter(name: str, kind: str, *sentences: str) -> str:
    """Return the entry of a parameter in a docstring."""
    lines = fill(" ".join(sentences), 96, initial_indent="    ", subsequent_indent="    ")
    return f"{name} : {kind}\n{lines}"


_WITH_MOMENTUM = [name for name, entry in OPTIMIZERS.items() if entry.momentum is not None]

OPTIMIZATION_PARAMETERS = "\n".join(
    [
        _parameter("optimizer", name_set(OPTIMIZERS), "The optimizer.", _sentences(OPTIMIZERS)),
        _parameter(
            "lr",
            'float or "auto"',
            "The learning rate. If `lr_schedule` is not None, it is the largest learning rate.",
            f'"auto" is {names_by_value(OPTIMIZERS, "lr")}.',
            '``history_["lr"]`` contains the learning rate of each epoch.',
        ),
        _parameter(
            "momentum",
            'float in [0, 1) or "auto"',
            f"The momentum of {listed(_quoted(_WITH_MOMENTUM))}.",
            "The other optimizers do not use it.",
            f'"auto" is {names_by_value(OPTIMIZERS, "momentum")}.',
        ),
        _parameter(
            "weight_decay",
            'float or "auto"',
            'The L2 penalty on weights. "adamw" and "muon" apply it separately from the gradient.',
            "Biases and normalization layers have none.",
            f'"auto" is {names_by_value(OPTIMIZERS, "weight_decay")}.',
        ),
        _parameter(
            "lr_schedule",
            f"{name_set(SCHEDULES)} or None",
            "The schedule of the learning rate.",
            _sentences(SCHEDULES),
            "If None, the learning rate is constant, as it always is in :meth:`partial_fit`.",
        ),
        _parameter("criterion", name_set(LOSSES), "The loss.", _sentences(LOSSES)),
    ]
)

_KEYS = [f'``"{name}"`` ({change.text})' for name, change in CHANGES.items()]

AUGMENT_PARAMETER = _parameter(
    "augment",
    '"auto", dict, bool or None',
    "Random changes of the training images, which are drawn for each image separately. A dict can",
    f"have the keys {listed(_KEYS)}.",
    'Keys that are missing are off. "auto" and True follow from `max_epochs`:',
    f"``{json.dumps(DEFAULT_AUGMENTATION)}`` for {MANY_EPOCHS} epochs or more, flips only for",
    f"{FEW_EPOCHS} or less, and strengths in proportion between them. Images of less than 8x8",
    "pixels are not changed. None and False turn augmentation off.",
)
