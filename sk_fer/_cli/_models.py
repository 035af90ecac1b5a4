"""Loads model files, and converts images to the input of a model."""

import json
import zipfile
from pathlib import Path
from typing import Any

import joblib
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import sk_fer

# Loading these files can run code, so only the suffix selects joblib, never the content.
_PICKLED = {".joblib", ".pickle", ".pkl"}

# Drawn faces are few and easy: they need fewer epochs than real ones, with more steps each.
FACES_SETTINGS = {"max_epochs": 6, "batch_size": 32, "augment": {"flip": 0.5}}


def is_model_file(name: str) -> bool:
    """Return whether a file is a model and no image, by its name or as a zip archive."""
    path = Path(name)
    return is_model_name(name) or (path.is_file() and zipfile.is_zipfile(path))


def is_model_name(name: str) -> bool:
    """Return whether a file is named as a model."""
    return Path(name).suffix in {".skfer", *_PICKLED}


def load_model(path: Path) -> Any:
    """Load a fitted classifier of sk_fer, or any of scikit-learn from a joblib file.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file does not contain a fitted classifier.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: no such file; expected a model.skfer that sk-fer train wrote"
        )
    if path.suffix not in _PICKLED:
        model = sk_fer.load_model(path)
        if not is_classifier(model):
            raise ValueError(f"{path}: contains a {type(model).__name__}; expected a classifier")
        return model
    try:
        model = joblib.load(path)
    except Exception as error:  # reading a damaged pickle raises nearly any error
        raise ValueError(
            f"{path}: cannot be read as a model, {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(model, BaseEstimator) and is_classifier(model)):
        raise ValueError(f"{path}: contains a {type(model).__name__}; expected a classifier")
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ValueError(f"{path}: the {type(model).__name__} in it is not fitted") from None
    return model


def fit_parameters(data: Path | None, **given: Any) -> dict[str, Any]:
    """Return the given parameters, and without data the settings for drawn faces."""
    known = {name: value for name, value in given.items() if value is not None}
    return {**(FACES_SETTINGS if data is None else {}), **known}


def read_report(model: Path) -> dict[str, Any]:
    """Return the ``data`` of ``report.json`` beside a model, or an empty dict."""
    try:
        return dict(json.loads((model.parent / "report.json").read_text("utf-8"))["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
