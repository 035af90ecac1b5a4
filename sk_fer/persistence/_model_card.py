"""The model card of a model on the Hugging Face Hub."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

_SHOWN = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def model_card(model: BaseEstimator, repo_id: str) -> str:
    """Return a model card as Markdown.

    Parameters
    ----------
    model : classifier or Pipeline
        The fitted model.
    repo_id : str
        The repository of the model, as ``"owner/name"``.

    Returns
    -------
    str
        The card, with the front matter that the Hugging Face Hub reads.
    """
    from sk_fer.estimators._persistence import library_versions

    classifier: Any = model[-1] if isinstance(model, Pipeline) else model
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    chain = " → ".join(_named(step) for step in steps)
    height, width, channels = classifier.image_shape_
    last = classifier.history_.iloc[-1]
    figures = [f"| {name} | {last[name]:.4g} |" for name in _SHOWN if name in last]
    return "\n".join(
        [
            "---",
            "library_name: sk_fer",
            "pipeline_tag: image-classification",
            "tags: [facial-expression-recognition, scikit-learn]",
            "---",
            "",
            f"# {repo_id}",
            "",
            f"A facial expression classifier: {chain}.",
            "",
            "```python",
            "from sk_fer.persistence import from_hub",
            "",
            f'model = from_hub("{repo_id}")',
            "labels = model.predict(X)",
            "```",
            "",
            f"The classifier takes images of {height} x {width} pixels, {channels} channels, and "
            "tells apart:",
            f"{', '.join(map(str, classifier.classes_.tolist()))}.",
            "",
            f"## The last of {classifier.n_epochs_} epochs",
            "",
            "| | |",
            "|---|---|",
            *figures,
            "",
            "Validation figures are of images set aside in training, if any; none is of a test.",
            "",
            "## Written with",
            "",
            *(f"- {name} {version}" for name, version in library_versions().items()),
            "",
        ]
    )


def _named(step: Any) -> str:
    return f"`{step}`" if isinstance(step, str) else f"`{type(step).__name__}`"
