"""What a model card and a report say about a model, as plain text."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline

from sk_fer.estimators import NETWORKS

LIMITS = {
    "Labels": "The labels of facial expressions are noisy: for FER2013, people agree with about "
    "65 % of them. If the probabilities are calibrated, 90 % means that about 90 % of such images "
    "have this label in data like the test images, not that the person feels so.",
    "People": "Most data sets do not describe the people in the images. Age, sex and skin colour "
    "are usually not balanced, and the accuracy for groups of people was not measured here.",
    "Images": "The scores are those of images like the test images. They can be lower for other "
    "cameras, light, poses and crops. The model itself does not find faces: pass photographs to "
    "sk_fer.predict_faces, which crops them. For any other picture that is not one upright face, "
    "the prediction is meaningless.",
    "Use": "An expression is not an emotion. Do not draw conclusions about a person from a "
    "prediction, and do not use it for decisions about people, such as hiring, teaching or "
    "policing.",
}
"""What the scores of a model do not say, by subject."""


def model_steps(model: BaseEstimator) -> list[Any]:
    """Return the steps of a pipeline or of the best one of a search, or the model."""
    model = getattr(model, "best_estimator_", model)
    return [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]


def model_facts(model: BaseEstimator) -> dict[str, str]:
    """Return what is known of a fitted model.

    Parameters
    ----------
    model : classifier, FERFeatures or Pipeline
        The fitted model.

    Returns
    -------
    dict of str to str
        The steps, the images and weights of the network, the epochs and the classes, as far as the
        model has them.
    """
    steps = model_steps(model)
    facts = {
        "Model": " → ".join(
            step if isinstance(step, str) else type(step).__name__ for step in steps
        )
    }
    networks = [step for step in steps if hasattr(step, "net_")]
    if networks:
        first = networks[0]
        height, width, channels = first.image_shape_
        facts["Network"] = named_network(first._module_config)
        facts["Images"] = f"{height} x {width} pixels, {channels} channel{'s' * (channels > 1)}"
        n_weights = sum(weights.numel() for weights in first.net_.module_.parameters())
        facts["Weights"] = f"{n_weights:,}"
    if hasattr(steps[-1], "history_"):
        facts["Epochs"] = str(steps[-1].n_epochs_)
    if is_classifier(steps[-1]):
        facts["Classes"] = ", ".join(map(str, steps[-1].classes_.tolist()))
    return facts


def named_network(config: dict[str, Any]) -> str:
    """Return the name of a network, with the sizes that were chosen.

    Parameters
    ----------
    config : dict
        The arguments of :func:`sk_fer.modules.build_module`.

    Returns
    -------
    str
        The name in :data:`sk_fer.estimators.NETWORKS`, or that of a backbone of timm.
    """
    network, options = config["network"], config["options"]
    if "hidden_layer_sizes" in options:
        sizes = ", ".join(map(str, options["hidden_layer_sizes"]))
        return f"{network}, with hidden layers of {sizes} units"
    if options.get("head") != "conv":
        return options.get("backbone", network)
    selected = {"backbone": options["backbone"], "head": "conv"}
    names = [name for name, row in NETWORKS.items() if row.options == selected]
    return names[0] if names else f"{selected['backbone']}, with a convolutional head"


def last_epoch(model: BaseEstimator) -> dict[str, str]:
    """Return the losses and accuracies of the last epoch. Other classifiers have none."""
    last = model_steps(model)[-1]
    if not hasattr(last, "history_"):
        return {}
    names = {
        "train_loss": "Loss on the training images",
        "train_accuracy": "Accuracy on the training images",
        "valid_loss": "Loss on the validation images",
        "valid_accuracy": "Accuracy on the validation images",
    }
    row = last.history_.iloc[-1]
    return {
        words: f"{row[name]:.1%}" if "accuracy" in name else f"{row[name]:.3f}"
        for name, words in names.items()
        if name in row
    }
