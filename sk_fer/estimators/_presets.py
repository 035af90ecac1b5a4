"""Classifiers with the networks and settings of known systems, by name."""

from textwrap import fill, indent
from typing import Any

from sk_fer._utils._choices import find_piece
from sk_fer._utils._constraints import NameIn, validate_params
from sk_fer._utils._networks import NETWORKS, list_networks
from sk_fer.estimators._base import BaseFERClassifier


def preset_parameters(preset: str) -> dict[str, Any]:
    """Return the parameters that a preset sets in its classifier.

    Parameters
    ----------
    preset : str
        The name of the network.

    Returns
    -------
    dict of str to object
        The parameters: first those that select the network, then those of the training.

    Examples
    --------
    >>> from sk_fer.estimators._presets import preset_parameters
    >>> preset_parameters("vgg")
    {'architecture': 'vgg', 'optimizer': 'adam', 'label_smoothing': 0.0}
    """
    row = NETWORKS[preset]
    named = {"architecture": preset} if row.estimator == "FERCNNClassifier" else {}
    return {**named, **row.options, **row.training}


_IN_ITEM: dict[str, Any] = {"initial_indent": "  ", "subsequent_indent": "  "}


def _list_presets() -> str:
    lines = []
    for name, row in NETWORKS.items():
        settings = ", ".join(f"{key}={value!r}" for key, value in preset_parameters(name).items())
        call = f"``{row.estimator}({settings})``"
        lines += [list_networks([name]) + ":", fill(call, 88, **_IN_ITEM)]
    return "\n".join(lines)


@validate_params({"preset": [NameIn("sk_fer.estimators", "NETWORKS")]})
def make_classifier(preset: str = "fast", **parameters: Any) -> BaseFERClassifier:
    """Return a classifier with a network and settings of a known system.

    Parameters
    ----------
    preset : str, default="fast"
        The name of the network. Its classifier is created with these parameters:

        {presets}
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
    kind: type[BaseFERClassifier] = find_piece(f"sk_fer.estimators.{NETWORKS[preset].estimator}")
    known = kind().get_params()
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise TypeError(
            f"{kind.__name__} has no parameter {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(known)}"
        )
    return kind(**{**preset_parameters(preset), **parameters})


_PRESETS = indent(_list_presets(), 8 * " ").strip()
make_classifier.__doc__ = (make_classifier.__doc__ or "").replace("{presets}", _PRESETS)
