"""Systems by name, with their settings: those that sk_fer grew out of, and its own."""

from typing import Any

from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._cnn import FERCNNClassifier
from sk_fer.estimators._dense import FERDenseClassifier
from sk_fer.estimators._pretrained import FEREfficientNetB2Classifier, FERResNet50Classifier

PRESETS: dict[str, tuple[type[BaseFERClassifier], dict[str, Any]]] = {
    "accurate": (
        FERCNNClassifier,
        {
            "architecture": "accurate",
            "progressive_resizing": False,
            "max_epochs": 60,
            "batch_size": 256,
            "augment": {
                "flip": 0.5,
                "shift": 0.1,
                "rotation": 12.0,
                "scale": 0.15,
                "erasing": 0.3,
            },
            "tta": True,
        },
    ),
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
    "efficientnet_b2": (FEREfficientNetB2Classifier, {}),
    "resnet50": (
        FERResNet50Classifier,
        {
            "head": "conv",
            "optimizer": "adam",
            "dropout": 0.5,
            "label_smoothing": 0.0,
        },
    ),
    "sequential": (
        FERCNNClassifier,
        {
            "architecture": "sequential",
            "optimizer": "adam",
            "label_smoothing": 0.0,
            "validation_fraction": 0.1,
        },
    ),
    "vgg": (
        FERCNNClassifier,
        {
            "architecture": "vgg",
            "optimizer": "adam",
            "label_smoothing": 0.0,
        },
    ),
}


# Parameters that matter most for each preset, with values that are worth trying.
PARAM_GRIDS: dict[str, dict[str, list[Any]]] = {
    "cnn": {"lr": [0.02, 0.1], "label_smoothing": [0.0, 0.1]},
    "dense": {"lr": [3e-4, 1e-3], "dropout": [0.1, 0.3]},
    "efficientnet_b2": {"lr": [3e-4, 1e-3], "dropout": [0.2, 0.5]},
    "resnet50": {"lr": [3e-4, 1e-3], "dropout": [0.2, 0.5]},
    "sequential": {"lr": [3e-4, 1e-3], "dropout": [0.25, 0.5]},
    "vgg": {"lr": [3e-4, 1e-3], "dropout": [0.25, 0.5]},
    "accurate": {"lr": [0.02, 0.05], "dropout": [0.2, 0.4]},
}


@validate_params({"preset": [StrOptions(set(PRESETS))]})
def make_classifier(preset: str = "cnn", **parameters: Any) -> BaseFERClassifier:
    """Return a classifier with the settings of a named system.

    Parameters
    ----------
    preset : {"accurate", "cnn", "dense", "efficientnet_b2", "resnet50", "sequential", \
            "vgg"}, default="cnn"
        The name of the settings. "accurate" is a residual network for a GPU, with 60 epochs,
        strong augmentation, and mirror images in predictions. "cnn" is the default
        :class:`FERCNNClassifier`. "dense" has dense layers of 512, 256 and 128 units, an L2
        penalty, dropout and a validation split. "efficientnet_b2" is the default
        :class:`FEREfficientNetB2Classifier`. "resnet50" is ResNet50 with a head of convolution,
        max-pool, batch normalization, dropout and a dense layer, trained with Adam. "sequential"
        has three convolutions and a validation split, trained with Adam. "vgg" has eight
        convolutions, trained with Adam.
    **parameters
        Parameters of the classifier that replace those of the preset.

    Returns
    -------
    classifier : classifier
        The classifier, not fitted.

    Raises
    ------
    ValueError
        If there is no such preset.
    TypeError
        If the classifier has no such parameter.

    See Also
    --------
    FERCNNClassifier : Convolutional networks that are trained from scratch.
    FERDenseClassifier : Network of dense layers.
    FERPretrainedClassifier : Fine-tuning of a pretrained network.

    Examples
    --------
    >>> from sk_fer import make_classifier
    >>> make_classifier("sequential", max_epochs=5).architecture
    'sequential'
    """
    kind, settings = PRESETS[preset]
    known = kind().get_params()
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise TypeError(
            f"{kind.__name__} has no parameter {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(known)}"
        )
    return kind(**{**settings, **parameters})
