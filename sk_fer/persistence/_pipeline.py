"""Converts a fitted Pipeline to JSON and arrays, and back."""

from typing import Any

from sklearn.pipeline import Pipeline

from sk_fer.persistence._arrays import Arrays
from sk_fer.persistence._errors import ModelFormatError, require, shown
from sk_fer.persistence._estimator import (
    BEFORE,
    FINAL,
    describe_estimator,
    is_of,
    restore_estimator,
)
from sk_fer.persistence._network import Written
from sk_fer.persistence._plain import Fields
from sk_fer.persistence._registry import CLASSIFIERS

_MAX_STEPS = 100


def describe_pipeline(pipeline: Pipeline, arrays: Arrays, left_out: list[str]) -> dict[str, Any]:
    """Return the content of a model file for a fitted Pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted Pipeline.
    arrays : dict of str to ndarray
        The arrays of its steps are added.
    left_out : list of str
        The names of what model files do not contain are added.

    Raises
    ------
    TypeError
        If a step is of a class that model files cannot contain.
    """
    if pipeline.memory is not None:
        left_out.append("memory of Pipeline")
    steps = []
    for number, (name, step) in enumerate(pipeline.steps):
        is_last = number == len(pipeline.steps) - 1
        if not is_last and (step is None or step == "passthrough"):
            steps.append({"name": name, "class": None})
            continue
        _check_class(step, name, FINAL if is_last else BEFORE)
        prefix = _prefix(number, type(step).__name__)
        steps.append({"name": name, **describe_estimator(step, prefix, arrays, left_out)})
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
        The items of the file. All are taken.
    arrays : dict of str to ndarray
        All arrays of the file. They are removed.
    written : Written
        The format and the libraries of the file.

    Raises
    ------
    ModelFormatError
        If the content differs from what `describe_pipeline` writes.
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
        is_last = number == len(nodes) - 1
        if not is_last and node.get("class", "") is None:
            step.take("class", type(None))
            step.finish()
            steps.append((name, "passthrough"))
            continue
        names, prefix = FINAL if is_last else BEFORE, _prefix(number, node.get("class"))
        steps.append((name, restore_estimator(names, step, prefix, arrays, written)))
    require(not arrays, f"there are unknown arrays, {', '.join(sorted(arrays)):.200}")
    pipeline = Pipeline(steps, transform_input=transform_input, verbose=verbose)
    try:
        pipeline._validate_params()
        pipeline._validate_steps()
    except (ValueError, TypeError) as error:
        raise ModelFormatError(f"{fields.where}: {error}") from error
    return pipeline


def _check_class(step: Any, name: str, names: tuple[str, ...]) -> None:
    if is_of(step, names):
        return
    where = "last step" if names is FINAL else "step"
    raise TypeError(
        f"the {where} {name!r} of the Pipeline is a {type(step).__name__}; a model file can "
        f"contain {', '.join(names)} there; use joblib.dump for other steps"
    )


def _prefix(number: int, class_name: object) -> str:
    """Return the prefix of the names of the arrays of a step."""
    # The classifier is the last step. Names of its weights never begin with "steps.".
    return "" if class_name in tuple(CLASSIFIERS) else f"steps.{number}."
