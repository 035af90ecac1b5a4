"""The candidates of ``sk-fer search``: values and ranges of the model and of preprocessing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import typer
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sk_fer._cli import _options as opt
from sk_fer.model_selection._ranges import Range
from sk_fer.preprocessing import HistogramEqualizer, ImageResizer, ImageStandardizer

Grid = dict[str, list[Any] | Range]

# The steps that can be searched, in their order in a Pipeline.
STEPS = {"resize": ImageResizer, "equalize": HistogramEqualizer, "standardize": ImageStandardizer}
MODEL = "model"

_WORDS = {"true": True, "false": False, "none": None}


def read_grids(param: list[str] | None, file: Path | None) -> list[Grid]:
    """Return the grids of ``--param`` and ``--grid``, or no grids if neither is given."""
    given: Grid = {
        name: opt.parse_values(values)
        for name, values in opt.parse_settings(param or [], "--param").items()
    }
    if file is None:
        return [given] if given else []
    grids = [_parse_grid(grid, file) for grid in _as_list(_load_yaml(file))]
    for name in given:
        if any(name in grid for grid in grids):
            raise typer.BadParameter(
                f"{name!r} is also in {file}; give it once", param_hint="--param"
            )
    return [{**grid, **given} for grid in grids]


def build_model(classifier: Any, grids: list[Grid]) -> tuple[Any, list[Grid]]:
    """Return what is searched, and the grids with the names of its parameters.

    If a grid has a step of preprocessing, it is a Pipeline. A value of a step can be True (with
    default parameters), False (without it), a dict of its parameters, or the value of its first
    parameter.
    """
    steps = [step for step in STEPS if any(n.split("__")[0] == step for g in grids for n in g)]
    if not steps:
        return classifier, grids
    pipeline = Pipeline([*((step, STEPS[step]()) for step in steps), (MODEL, classifier)])
    return pipeline, [
        {
            name if name.split("__")[0] in steps else f"{MODEL}__{name}": [
                _as_step(name, value) for value in values
            ]
            if name in steps and not isinstance(values, Range)
            else values
            for name, values in grid.items()
        }
        for grid in grids
    ]


def without_unused_steps(model: Any) -> Any:
    """Return a Pipeline without the steps that the search left out, or the classifier alone."""
    if not isinstance(model, Pipeline):
        return model
    steps = [(name, step) for name, step in model.steps if step != "passthrough"]
    return Pipeline(steps) if len(steps) > 1 else steps[0][1]


def describe(params: Mapping[str, Any]) -> str:
    """Return the parameters of a candidate as the user gives them."""
    return ", ".join(f"{short_names(name)}={_shown(value)}" for name, value in params.items())


def short_names(text: str) -> str:
    """Return a text with the names of the parameters of the model as the user gives them.

    Examples
    --------
    >>> short_names("param_model__lr")
    'param_lr'
    """
    return text.replace(f"{MODEL}__", "")


def _shown(value: Any) -> str:
    if isinstance(value, str) and value == "passthrough":
        return "False"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _as_step(name: str, value: Any) -> BaseEstimator | str:
    step = STEPS[name]
    if isinstance(value, str):
        value = _WORDS.get(value.lower(), value)
    if value is None or value is False:
        return "passthrough"
    if value is True:
        return step()
    try:
        return step(**value) if isinstance(value, Mapping) else step(value)
    except TypeError as error:
        raise typer.BadParameter(
            f"{name}={value!r}: {step.__name__} has the parameters "
            f"{', '.join(step().get_params())}: {error}"
        ) from error


def _load_yaml(file: Path) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ImportError(
            '--grid requires PyYAML: run pip install ".[yaml]" in the clone of sk_fer'
        ) from error

    class Loader(yaml.SafeLoader):
        """Refuses a name that is given twice, of which PyYAML would keep the last one."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise yaml.YAMLError(f"{twice[0]} is there twice, line {node.start_mark.line + 1}")
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(file.read_text("utf-8"), Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} is not a grid: {error}", param_hint="--grid") from error


def _as_list(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]


def _parse_grid(content: Any, file: Path) -> Grid:
    """Read a mapping of names to values. Text is read as in --param, so that 1e-3 is a number."""
    if not isinstance(content, dict) or not content:
        raise _wrong(file, f"got {content!r:.80}, expected names of parameters with their values")
    grid: Grid = {}
    for name, values in content.items():
        if not isinstance(name, str):
            raise _wrong(file, f"got {name!r}, expected the name of a parameter")
        if isinstance(values, dict):
            grid[name] = _parse_range(name, values, file)
        elif isinstance(values, list) and values:
            grid[name] = [_literal(value) for value in values]
        else:
            raise _wrong(
                file,
                f"{name} is {values!r}, expected a list of values, such as [{values!r}], or a "
                "range, such as {low: 0.01, high: 0.1}",
            )
    return grid


def _parse_range(name: str, ends: dict[Any, Any], file: Path) -> list[Any] | Range:
    ends = {key: _literal(value) for key, value in ends.items()}
    unknown = sorted(map(str, ends.keys() - {"low", "high", "log", "step"}))
    if unknown or not {"low", "high"} <= ends.keys() or {"log", "step"} <= ends.keys():
        raise _wrong(file, f"{name} is {ends}, expected low and high, and log or step")
    step = ends.pop("step", None)
    try:
        limits = Range(**ends)
    except ValueError as error:
        raise _wrong(file, f"{name}: {error}") from error
    if step is None:
        return limits
    if isinstance(step, bool) or not isinstance(step, int | float) or step <= 0:
        raise _wrong(file, f"{name} has the step {step!r}, expected a number above 0")
    n_steps = int(np.floor((limits.high - limits.low) / step * (1 + 1e-9)))
    # 0.1 + 2 * 0.1 is 0.30000000000000004, and 0.3 is meant.
    return [_rounded(limits.low + i * step) for i in range(n_steps + 1)]


def _rounded(number: float) -> float:
    return number if isinstance(number, int) else float(f"{number:.12g}")


def _literal(value: Any) -> Any:
    if isinstance(value, str):
        return opt.parse_value(value)
    # A list is a parameter such as (256, 128).
    return tuple(map(_literal, value)) if isinstance(value, list) else value


def _wrong(file: Path, message: str) -> typer.BadParameter:
    return typer.BadParameter(f"{file}: {message}", param_hint="--grid")
