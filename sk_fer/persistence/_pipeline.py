"""A fitted Pipeline as JSON and arrays, and back."""

from typing import Any

from sklearn.pipeline import Pipeline

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._classifier import Written, describe_classifier, restore_classifier
from sk_fer.persistence._errors import ModelFormatError, require, shown
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import CLASSIFIERS, TRANSFORMERS, supported
from sk_fer.persistence._transformer import describe_transformer, restore_transformer

_MAX_STEPS = 100


def describe_pipeline(pipeline: Pipeline, arrays: Arrays, left_out: list[str]) -> dict[str, Any]:
    """Return what a model file says of a fitted Pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    arrays : dict of str to ndarray
        Its arrays are added.
    left_out : list of str
        What no model file holds is added.

    Raises
    ------
    TypeError
        If a step is of a class that no model file holds.
    """
    *before, (last_name, last) = pipeline.steps
    if type(last) not in CLASSIFIERS.values():
        raise TypeError(
            f"the Pipeline ends with a {type(last).__name__}; a model file holds one that ends "
            f"with {' or '.join(CLASSIFIERS)}; joblib.dump keeps any"
        )
    if pipeline.memory is not None:
        left_out.append("memory of Pipeline")
    steps = []
    for number, (name, step) in enumerate(before):
        if step is None or step == "passthrough":
            steps.append({"name": name, "class": None})
            continue
        if type(step) not in TRANSFORMERS:
            raise TypeError(
                f"step {name!r} of the Pipeline is a {type(step).__name__}; a model file holds "
                f"{supported()}; joblib.dump keeps any"
            )
        described = describe_transformer(step, _prefix(number), arrays, left_out)
        steps.append({"name": name, **described})
    steps.append({"name": last_name, **describe_classifier(last, arrays, left_out)})
    return {
        "class": "Pipeline",
        "steps": steps,
        "transform_input": pipeline.transform_input,
        "verbose": bool(pipeline.verbose),
    }


def restore_pipeline(fields: Fields, arrays: Arrays, written: Written) -> Pipeline:
    """Return the Pipeline that a file describes.

    Parameters
    ----------
    fields : Fields
        Of the file; all are taken.
    arrays : dict of str to ndarray
        All of the file.
    written : Written
        Format and libraries of the file.

    Raises
    ------
    ModelFormatError
        If anything is not as `describe_pipeline` could have written it.
    """
    kind = fields.take("class", str)
    require(kind == "Pipeline", f"{fields.where} has steps but is of class {shown(kind)}")
    nodes = fields.take("steps", list)
    require(1 <= len(nodes) <= _MAX_STEPS, f"{fields.where} has {len(nodes)} steps")
    transform_input = fields.take("transform_input", list, type(None))
    verbose = fields.take("verbose", bool)
    fields.finish()
    steps: list[tuple[str, Any]] = []
    for number, node in enumerate(nodes):
        step = Fields(node, f"step {number} of the Pipeline")
        name = step.take("name", str)
        if number == len(nodes) - 1:
            steps.append((name, restore_classifier(step, arrays, written)))
        elif node.get("class", "") is None:
            step.take("class", type(None))
            step.finish()
            steps.append((name, "passthrough"))
        else:
            steps.append((name, restore_transformer(step, _prefix(number), arrays)))
    pipeline = Pipeline(steps, transform_input=transform_input, verbose=verbose)
    try:
        pipeline._validate_params()
        pipeline._validate_steps()
    except (ValueError, TypeError) as error:
        raise ModelFormatError(f"{fields.where}: {error}") from error
    return pipeline


def _prefix(number: int) -> str:
    """Return what the names of a step's arrays begin with, as no network's do."""
    return f"steps.{number}."
