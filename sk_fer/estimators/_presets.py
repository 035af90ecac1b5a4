"""The systems that sk_fer grew out of, by name, with their settings."""

from typing import Any

from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._cnn import FERCNNClassifier
from sk_fer.estimators._dense import FERDenseClassifier

PRESETS: dict[str, tuple[type[BaseFERClassifier], dict[str, Any]]] = {
    "cnn": (FERCNNClassifier, {}),
    "dense": (
        FERDenseClassifier,
        {
            "hidden_layer_sizes": (512, 256, 128),
            "dropout": 0.3,
            "weight_decay": 1e-4,
            "validation_fraction": 0.1,
        },
    ),
    "sequential": (
        FERCNNClassifier,
        {
            "architecture": "sequential",
            "optimizer": "adam",
            "lr": 1e-3,
            "weight_decay": 0.0,
            "label_smoothing": 0.0,
            "validation_fraction": 0.1,
        },
    ),
    "vgg": (
        FERCNNClassifier,
        {
            "architecture": "vgg",
            "optimizer": "adam",
            "lr": 1e-3,
            "weight_decay": 0.0,
            "label_smoothing": 0.0,
        },
    ),
}


def make_classifier(preset: str = "cnn", **parameters: Any) -> BaseFERClassifier:
    """Make a classifier with the settings of a named system.

    Parameters
    ----------
    preset : {"cnn", "dense", "sequential", "vgg"}, default="cnn"
        "cnn": the default :class:`FERCNNClassifier`. "dense": dense layers of 512, 256
        and 128 with L2, dropout and a validation share. "sequential": three
        convolutions, Adam, a validation share. "vgg": eight convolutions, Adam.
    **parameters
        Parameters of the classifier, in place of the preset's.

    Returns
    -------
    BaseFERClassifier
        Not fitted.

    Raises
    ------
    ValueError
        If there is no such preset.
    TypeError
        If the classifier has no such parameter.

    Examples
    --------
    >>> from sk_fer import make_classifier
    >>> make_classifier("sequential", max_epochs=5).architecture
    'sequential'
    """
    if preset not in PRESETS:
        raise ValueError(f"preset={preset!r}; wanted one of {sorted(PRESETS)}")
    kind, settings = PRESETS[preset]
    return kind(**{**settings, **parameters})
