"""Facial expression recognition with scikit-learn estimators."""

import importlib
from typing import TYPE_CHECKING, Any

from sk_fer._version import __version__

if TYPE_CHECKING:
    from sk_fer.estimators import (
        FERCNNClassifier,
        FERDenseClassifier,
        FEREfficientNetB2Classifier,
        FERFeatures,
        FERPretrainedClassifier,
        FERResNet50Classifier,
        make_classifier,
        predict_faces,
        predict_images,
        predict_video,
    )
    from sk_fer.persistence import export_onnx, load_model, load_pretrained, save_model

__all__ = [
    "FERCNNClassifier",
    "FERDenseClassifier",
    "FEREfficientNetB2Classifier",
    "FERFeatures",
    "FERPretrainedClassifier",
    "FERResNet50Classifier",
    "__version__",
    "export_onnx",
    "load_model",
    "load_pretrained",
    "make_classifier",
    "predict_faces",
    "predict_images",
    "predict_video",
    "save_model",
]


_FOLDERS = (
    "app",
    "datasets",
    "estimators",
    "faces",
    "inspection",
    "metrics",
    "model_selection",
    "modules",
    "persistence",
    "preprocessing",
    "training",
)


def __getattr__(name: str) -> Any:
    """Import a name when it is used: scikit-learn and torch take seconds."""
    if name in _FOLDERS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sk_fer import estimators, persistence

    return getattr(persistence if hasattr(persistence, name) else estimators, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_FOLDERS})
