"""The model card of a model on the Hugging Face Hub."""

from typing import Any

from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline

from sk_fer.estimators import NETWORKS

_SHOWN = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def model_card(model: BaseEstimator, repo_id: str) -> str:
    """Return a model card as Markdown.

    Parameters
    ----------
    model : classifier, FERFeatures or Pipeline
        The fitted model.
    repo_id : str
        The repository of the model, as ``"owner/name"``.

    Returns
    -------
    str
        The card, with the front matter that the Hugging Face Hub reads.
    """
    from sk_fer.estimators._serialization import library_versions

    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    chain = " → ".join(_named(step) for step in steps)
    classifies = is_classifier(steps[-1])
    task = "image-classification" if classifies else "image-feature-extraction"
    kind = "facial expression classifier" if classifies else "feature extractor for faces"
    use = "labels = model.predict(X)" if classifies else "features = model.transform(X)"
    return "\n".join(
        [
            "---",
            "library_name: sk_fer",
            f"pipeline_tag: {task}",
            "tags: [facial-expression-recognition, scikit-learn]",
            "---",
            "",
            f"# {repo_id}",
            "",
            f"A {kind}: {chain}.",
            "",
            "```python",
            "from sk_fer.persistence import from_hub",
            "",
            f'model = from_hub("{repo_id}")',
            use,
            "```",
            "",
            *_images_and_classes(steps),
            *_last_epoch(steps[-1]),
            "## Written with",
            "",
            *(f"- {name} {version}" for name, version in library_versions().items()),
            "",
        ]
    )


def _images_and_classes(steps: list[Any]) -> list[str]:
    """Describe the images of the first network, and the classes."""
    networks = [step for step in steps if hasattr(step, "net_")]
    lines = []
    if networks:
        height, width, channels = networks[0].image_shape_
        name = "classifier" if is_classifier(networks[0]) else "network"
        lines.append(f"The {name} takes images of shape ({height}, {width}, {channels}).")
        lines.append(f"The network is {named_network(networks[0]._module_config)}.")
    if is_classifier(steps[-1]):
        lines.append(f"The classes are {', '.join(map(str, steps[-1].classes_.tolist()))}.")
    return [*lines, ""]


def named_network(config: dict[str, Any]) -> str:
    """Return the name of a network in Markdown, with the sizes that were chosen.

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
        return f"`{network}`, with hidden layers of {sizes} units"
    if options.get("head") != "conv":
        return f"`{options.get('backbone', network)}`"
    selected = {"backbone": options["backbone"], "head": "conv"}
    names = [f"`{name}`" for name, row in NETWORKS.items() if row.options == selected]
    return names[0] if names else f"`{selected['backbone']}`, with a convolutional head"


def _last_epoch(classifier: Any) -> list[str]:
    """Return the table of the last epoch. Classifiers of scikit-learn have none."""
    if not hasattr(classifier, "history_"):
        return []
    last = classifier.history_.iloc[-1]
    return [
        f"## Last of {classifier.n_epochs_} epochs",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {last[name]:.4g} |" for name in _SHOWN if name in last),
        "",
        "The validation scores are from images that were set aside in training, not from a test "
        "set.",
        "",
    ]


def _named(step: Any) -> str:
    return f"`{step}`" if isinstance(step, str) else f"`{type(step).__name__}`"
