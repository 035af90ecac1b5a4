"""The table of networks, which is read without importing torch.

The values of `architecture`, the presets of :func:`sk_fer.make_classifier`, the options and help
of the command, and the table in the README come from it.
"""

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Network:
    """A row of the table of networks.

    Parameters
    ----------
    piece : str
        The class of the network with its module, which is imported when a network is built.
    description : str
        The layers, for help texts and documentation.
    use : str
        The data or the machine for which the network is a good choice.
    estimator : str, default="FERCNNClassifier"
        The classifier in :mod:`sk_fer.estimators` that trains the network. The names of the
        networks of ``FERCNNClassifier`` are the values of its parameter `architecture`.
    options : mapping of str to object, default={}
        The options that distinguish the network from others of the same class. They are
        parameters of the class of the network and of the classifier.
    training : mapping of str to object, default={}
        The further parameters that :func:`sk_fer.make_classifier` sets in the classifier.
    param_grid : mapping of str to list, optional
        The parameters that matter most, with values that are worth trying in a search.
    is_backbone : bool, default=False
        Whether the features of the network can be used by ``FERPretrainedClassifier`` and
        ``FERFeatures``. This requires named stages and a head with one linear layer.
    """

    piece: Any
    description: str
    use: str
    estimator: str = "FERCNNClassifier"
    options: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    param_grid: Mapping[str, list[Any]] = field(
        default_factory=lambda: {"label_smoothing": [0.0, 0.1], "dropout": [0.2, 0.5]}
    )
    is_backbone: bool = False


_FINE_TUNING_GRID = {"lr": [3e-4, 1e-3], "dropout": [0.2, 0.5]}

NETWORKS: dict[str, Network] = {
    "fast": Network(
        "sk_fer.modules._cnn.FastCNN",
        "seven convolutions with batch normalization",
        "most data, on a CPU or a GPU",
        param_grid={"lr": [0.05, 0.1], "label_smoothing": [0.0, 0.1]},
        is_backbone=True,
    ),
    "sequential": Network(
        "sk_fer.modules._cnn.SequentialCNN",
        "three convolutions (32, 64, 128 filters), two dense layers",
        "a small, plain network",
        training={"optimizer": "adam", "label_smoothing": 0.0, "validation_fraction": 0.1},
        param_grid={"lr": [3e-4, 1e-3], "dropout": [0.25, 0.5]},
    ),
    "accurate": Network(
        "sk_fer.modules._accurate_cnn.AccurateCNN",
        "ten convolutions with residual connections",
        "the best accuracy, on a GPU or in 15 minutes or more on a CPU",
        training={
            "progressive_resizing": False,
            "max_epochs": 40,
            "batch_size": 256,
            "tta": True,
        },
        param_grid={"lr": [0.05, 0.1], "dropout": [0.2, 0.4]},
        is_backbone=True,
    ),
    "vgg": Network(
        "sk_fer.modules._cnn.VGGStyleCNN",
        "eight convolutions in four blocks, four dense layers",
        "a GPU",
        training={"optimizer": "adam", "label_smoothing": 0.0},
        param_grid={"lr": [3e-4, 1e-3], "dropout": [0.25, 0.5]},
    ),
    "dense": Network(
        "sk_fer.modules._dense.DenseNetwork",
        "dense layers (512, 256, 128 units)",
        "a baseline",
        estimator="FERDenseClassifier",
        training={"dropout": 0.3, "weight_decay": 1e-4, "validation_fraction": 0.1},
        param_grid={"lr": [3e-4, 1e-3], "dropout": [0.1, 0.3]},
    ),
    "resnet50": Network(
        "sk_fer.modules._pretrained.PretrainedNetwork",
        "pretrained ResNet50 with a linear head",
        "few images, a GPU",
        estimator="FERResNet50Classifier",
        options={"backbone": "resnet50"},
        param_grid=_FINE_TUNING_GRID,
    ),
    "resnet50_conv": Network(
        "sk_fer.modules._pretrained.PretrainedNetwork",
        "pretrained ResNet50 with a convolutional head",
        "few images, a GPU",
        estimator="FERResNet50Classifier",
        options={"backbone": "resnet50", "head": "conv"},
        training={"optimizer": "adam", "dropout": 0.5, "label_smoothing": 0.0},
        param_grid=_FINE_TUNING_GRID,
    ),
    "efficientnet_b2": Network(
        "sk_fer.modules._pretrained.PretrainedNetwork",
        "pretrained EfficientNetB2 with a linear head",
        "few images, a GPU",
        estimator="FEREfficientNetB2Classifier",
        options={"backbone": "efficientnet_b2"},
        param_grid=_FINE_TUNING_GRID,
    ),
    "pretrained": Network(
        "sk_fer.modules._pretrained.PretrainedNetwork",
        "any classification model of timm, or a trained network of sk_fer, with a new head",
        "few images",
        estimator="FERPretrainedClassifier",
        param_grid=_FINE_TUNING_GRID,
    ),
}

OWN_BACKBONES = tuple(sorted(name for name, row in NETWORKS.items() if row.is_backbone))


def architectures() -> list[str]:
    """Return the values of `architecture` in ``FERCNNClassifier``.

    Examples
    --------
    >>> from sk_fer._utils._networks import architectures
    >>> architectures()
    ['fast', 'sequential', 'accurate', 'vgg']
    """
    return [name for name, row in NETWORKS.items() if row.estimator == "FERCNNClassifier"]


def list_networks(names: Iterable[str]) -> str:
    """Return a list of networks with their descriptions, for a docstring.

    Parameters
    ----------
    names : iterable of str
        The names of the networks.

    Returns
    -------
    str
        An item per network.

    Examples
    --------
    >>> from sk_fer._utils._networks import list_networks
    >>> print(list_networks(["fast", "dense"]))
    - "fast": seven convolutions with batch normalization (for most data, on a CPU or a GPU)
    - "dense": dense layers (512, 256, 128 units) (for a baseline)
    """
    rows = ((name, NETWORKS[name]) for name in names)
    items = (f'- "{name}": {row.description} (for {row.use})' for name, row in rows)
    return "\n".join(textwrap.fill(item, 88, subsequent_indent="  ") for item in items)
