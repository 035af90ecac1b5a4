"""The types that skops.io must trust to load estimators of sk_fer and their callbacks."""

import inspect

import sklearn.metrics

from sk_fer.estimators import FERFeatures
from sk_fer.persistence._registry import CLASSIFIERS, TRANSFORMERS

_ESTIMATORS = [
    f"{kind.__module__}.{kind.__qualname__}"
    for kind in (*CLASSIFIERS.values(), FERFeatures, *TRANSFORMERS)
    if kind.__module__.startswith("sk_fer.")
]

# Strings, because skorch imports torch. Callbacks that log to a service are not included.
_CALLBACKS = {
    "logging": ("EpochTimer", "PrintLog", "ProgressBar"),
    "lr_scheduler": ("LRScheduler", "WarmRestartLR"),
    "regularization": ("GradientNormClipping",),
    "scoring": ("BatchScoring", "EpochScoring", "PassthroughScoring"),
    "training": (
        "Checkpoint",
        "EarlyStopping",
        "Freezer",
        "Initializer",
        "LoadInitState",
        "ParamMapper",
        "TrainEndCheckpoint",
        "Unfreezer",
    ),
}
_UTILS = (
    "_indexing_none",
    "_indexing_other",
    "freeze_parameter",
    "noop",
    "to_numpy",
    "unfreeze_parameter",
)
_POLICIES = (
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "StepLR",
)
_METRICS = [getattr(sklearn.metrics, name) for name in sklearn.metrics.__all__]

SKOPS_TRUSTED = sorted(
    {
        *_ESTIMATORS,
        *(
            f"skorch.callbacks.{file}.{name}"
            for file, names in _CALLBACKS.items()
            for name in names
        ),
        *(f"skorch.utils.{name}" for name in _UTILS),
        *(f"torch.optim.lr_scheduler.{name}" for name in _POLICIES),
        *(f"{m.__module__}.{m.__name__}" for m in _METRICS if inspect.isfunction(m)),
        "sklearn.metrics._scorer._Scorer",
        "builtins.print",
    }
)
"""Names for ``skops.io.load(file, trusted=SKOPS_TRUSTED)``.

The names of sk_fer's estimators, of the callbacks of skorch that do not connect to a service, and
of the objects that these callbacks can contain: torch's learning-rate schedulers and scikit-learn's
metrics.
"""
