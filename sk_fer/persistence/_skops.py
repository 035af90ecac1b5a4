"""The types that skops.io has to trust to load estimators of sk_fer."""

from sk_fer.estimators import FERFeatures
from sk_fer.persistence._registry import CLASSIFIERS, TRANSFORMER_NAMES

SKOPS_TRUSTED = sorted(
    f"{kind.__module__}.{kind.__qualname__}"
    for kind in (*CLASSIFIERS.values(), FERFeatures, *TRANSFORMER_NAMES.values())
    if kind.__module__.startswith("sk_fer.")
)
"""The names of sk_fer's own estimators, for ``skops.io.load(file, trusted=SKOPS_TRUSTED)``."""
