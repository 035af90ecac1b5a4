"""Facial expression recognition with scikit-learn estimators."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sk_fer.estimators import (
        FERCNNClassifier,
        FERDenseClassifier,
        FEREfficientNetB2Classifier,
        FERFeatures,
        FERPretrainedClassifier,
        FERResNet50Classifier,
        make_classifier,
    )
    from sk_fer.persistence import load_model, save_model

__all__ = [
    "FERCNNClassifier",
    "FERDenseClassifier",
    "FEREfficientNetB2Classifier",
    "FERFeatures",
    "FERPretrainedClassifier",
    "FERResNet50Classifier",
    "__version__",
    "load_model",
    "make_classifier",
    "save_model",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for, as scikit-learn takes seconds; Ctrl-C must end those, too."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sk_fer import estimators, persistence

    return getattr(persistence if hasattr(persistence, name) else estimators, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
