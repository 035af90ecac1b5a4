"""The model card of a model on the Hugging Face Hub."""

from __future__ import annotations

import html
from collections.abc import Iterable
from types import ModuleType

from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import Bunch

from sk_fer.persistence._model_facts import LIMITS, last_epoch, model_facts, model_steps


def model_card(model: BaseEstimator, repo_id: str, *, results: Bunch | None = None) -> str:
    """Return a model card as Markdown.

    Parameters
    ----------
    model : classifier, FERFeatures or Pipeline
        The fitted model.
    repo_id : str
        The repository of the model, as ``"owner/name"``.
    results : :class:`~sklearn.utils.Bunch`, default=None
        What :func:`sk_fer.inspection.write_report` returned for this model. If None, the card has
        no scores on test images.

    Returns
    -------
    card : str
        The card, with the front matter that the Hugging Face Hub reads. It contains what is known
        of the model, the test images, the scores with their intervals, the last epoch, and the
        limits of the model.

    Raises
    ------
    ImportError
        If huggingface_hub is not installed: ``pip install ".[hub]"``.

    See Also
    --------
    push_to_hub : Upload a model with its card.
    sk_fer.inspection.write_report : Measure the scores, and write them to an HTML page.

    Examples
    --------
    >>> from sk_fer import load_pretrained
    >>> from sk_fer.persistence import model_card
    >>> card = model_card(load_pretrained(), "me/faces")  # doctest: +SKIP
    """
    from sk_fer._utils._library_versions import library_versions

    classifies = is_classifier(model_steps(model)[-1])
    kind = "facial expression classifier" if classifies else "feature extractor for faces"
    use = "labels = model.predict(X)" if classifies else "features = model.transform(X)"
    versions = (f"- {name} {version}" for name, version in library_versions().items())
    lines = [
        "---",
        _front_matter(repo_id, results, classifies=classifies),
        "---",
        "",
        f"# {repo_id}",
        "",
        f"A {kind}.",
        "",
        *_table(["", ""], model_facts(model).items()),
        "```python",
        "from sk_fer.persistence import from_hub",
        "",
        f'model = from_hub("{repo_id}")',
        use,
        "```",
        "",
        *_scores(results),
        *_last_epoch(model),
        "## Limits",
        "",
        *(f"- **{subject}.** {text}" for subject, text in LIMITS.items()),
        "",
        "## Written with",
        "",
        *versions,
        "",
    ]
    return "\n".join(lines)


def import_hub(caller: str) -> ModuleType:
    """Return huggingface_hub, or raise an error that says how to install it."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            f'{caller} requires huggingface_hub: run pip install ".[hub]" in the clone of sk_fer',
            name="huggingface_hub",
        ) from error
    return huggingface_hub


def _front_matter(repo_id: str, results: Bunch | None, *, classifies: bool) -> str:
    hub = import_hub("model_card")
    task = "image-classification" if classifies else "image-feature-extraction"
    scores = [] if results is None else results.scores.iterrows()
    measured = [
        hub.EvalResult(
            task_type=task,
            dataset_type="images",
            dataset_name=results.data_name,
            metric_type=name.lower().replace(" ", "_"),
            metric_name=name,
            metric_value=round(float(row["score"]), 4),
        )
        for name, row in scores
        if results is not None
    ]
    data = hub.ModelCardData(
        library_name="sk_fer",
        pipeline_tag=task,
        tags=["facial-expression-recognition", "scikit-learn"],
        model_name=repo_id if measured else None,
        eval_results=measured or None,
    )
    return data.to_yaml().rstrip()


def _scores(results: Bunch | None) -> list[str]:
    if results is None:
        return []
    scores = (
        (name, f"{row['score']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}")
        for name, row in results.scores.iterrows()
    )
    classes = (
        (name, *(f"{row[measure]:.3f}" for measure in list(row.index)[:-1]), f"{row.iloc[-1]:,.0f}")
        for name, row in results.per_class.iterrows()
    )
    return [
        "## Scores",
        "",
        f"{results.n_images:,} images: {_escape(results.data_name)}. "
        + " ".join(map(_escape, results.notes)),
        "",
        *_table(["Score", "Value", "95 % interval"], scores),
        *_table(["Class", *map(str.capitalize, results.per_class.columns)], classes),
    ]


def _last_epoch(model: BaseEstimator) -> list[str]:
    epoch = last_epoch(model)
    if not epoch:
        return []
    return [
        "## Last epoch",
        "",
        *_table(["", ""], epoch.items()),
        "Validation images were set aside in training. They are not the test images.",
        "",
    ]


def _table(header: list[str], rows: Iterable[Iterable[object]]) -> list[str]:
    return [
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(map(_escape, row))} |" for row in rows),
        "",
    ]


def _escape(text: object) -> str:
    """Return a text that Markdown shows as it is."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return "".join(f"&#{ord(c)};" if c in "|`*_[]$~\\" else c for c in line)
