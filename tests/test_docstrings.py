"""numpydoc's validation of every public class, method, property and function."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sk_fer
from sk_fer.persistence import ModelFormatError

validate = pytest.importorskip("numpydoc.validate")

ENGINE = ("sk_fer.modules", "sk_fer.training")
PACKAGES = (
    "sk_fer",
    "sk_fer.app",
    "sk_fer.datasets",
    "sk_fer.estimators",
    "sk_fer.faces",
    "sk_fer.inspection",
    "sk_fer.metrics",
    "sk_fer.model_selection",
    "sk_fer.persistence",
    "sk_fer.preprocessing",
    *ENGINE,
)

# numpydoc's codes that are not checked. They are those that scikit-learn does not check, either.
IGNORED = {
    "GL01",  # a docstring may start on the line of its quotes
    "GL02",  # a docstring of one line ends on the line of its summary
    "RT02",  # a returned value may have a name
}
IGNORED_OF_FUNCTIONS = {"ES01"}  # the summary line may say everything
# The examples and references of a class are in its own docstring, not in those of its methods.
# The engine is used by the classifiers, whose docstrings have them.
IGNORED_OF_METHODS_AND_ENGINE = {"ES01", "EX01", "SA01"}
# Hooks that torch and skorch call have the parameters and results that their base classes document.
IGNORED_OF_HOOKS = {"PR01", "RT01", "YD01"}


def public_objects() -> Iterator[tuple[str, Any]]:
    """Yield the path of each public object once, and the module or class that has it."""
    seen = set()
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            public = getattr(module, name)
            if not (inspect.isclass(public) or inspect.isfunction(public)) or public in seen:
                continue
            seen.add(public)
            yield f"{package}.{name}", module
            if inspect.isclass(public):
                for member in own_members(public):
                    yield f"{package}.{name}.{member}", public


def own_members(cls: type) -> list[str]:
    """Return the public methods and properties that are not inherited from other packages."""
    members = []
    for name, value in inspect.getmembers(cls):
        value = value.fget if isinstance(value, property) else value
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("sk_fer"):
            members.append(name)
    return members


def is_hook(cls: type, name: str) -> bool:
    """Return whether a method replaces one of a class of torch or skorch."""
    return any(
        name in vars(base) for base in cls.__mro__ if not base.__module__.startswith("sk_fer")
    )


OBJECTS = list(public_objects())
IDS = [path for path, _ in OBJECTS]


def test_each_folder_is_checked_and_has_a_page():
    package = Path(sk_fer.__file__).parent
    folders = {path.parent.name for path in package.glob("[a-z]*/__init__.py")}
    assert {"sk_fer", *(f"sk_fer.{name}" for name in folders)} == set(PACKAGES)
    pages = (package.parent / "docs" / "api.rst").read_text("utf-8").split()
    assert set(PACKAGES) <= set(pages)


def test_what_is_public_is_found():
    method = "sk_fer.FERResNet50Classifier.partial_fit"
    assert {method, "sk_fer.training.FERNet", "sk_fer.datasets.load_fer2013"} <= set(IDS)


@pytest.mark.parametrize(("path", "owner"), OBJECTS, ids=IDS)
def test_numpydoc_finds_no_fault(path, owner):
    ignored = set(IGNORED)
    in_engine = path.startswith(ENGINE)
    if inspect.isfunction(getattr(owner, path.rpartition(".")[2])):
        ignored |= IGNORED_OF_FUNCTIONS
    if in_engine or isinstance(owner, type):
        ignored |= IGNORED_OF_METHODS_AND_ENGINE
    if in_engine and isinstance(owner, type) and is_hook(owner, path.rpartition(".")[2]):
        ignored |= IGNORED_OF_HOOKS
    result = validate.validate(path)
    errors = [f"{code}: {text}" for code, text in result["errors"] if code not in ignored]
    assert not errors, f"{result['file']}:{result['file_line']}"


@pytest.mark.parametrize(("path", "owner"), OBJECTS, ids=IDS)
def test_defaults_are_documented_as_they_are(path, owner):
    public = getattr(owner, path.rpartition(".")[2])
    if isinstance(public, property) or public is ModelFormatError:  # neither has a signature
        return
    documented = validate.Validator(validate.get_doc_object(public)).doc_all_parameters
    wrong = {}
    for name, parameter in inspect.signature(public).parameters.items():
        if parameter.default is parameter.empty or name not in documented:
            continue
        default = re.search(r"default=(.+)$", documented[name][0])
        if default is None or not is_value(default[1], parameter.default):
            wrong[name] = f"{documented[name][0]!r}, default={parameter.default!r}"
    assert not wrong


def is_value(text: str, value: object) -> bool:
    """Return whether a documented default is the value, where it is written as a literal."""
    try:
        return ast.literal_eval(text) == value
    except ValueError:  # a name, such as numpy.nan
        return text.rpartition(".")[2] == getattr(value, "__name__", repr(value)).rpartition(".")[2]
