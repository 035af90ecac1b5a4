"""A fitted model in one file that nothing can run from."""

import os
import re
import warnings
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_fer.persistence._archive import DESCRIPTION, read_archive, write_archive
from sk_fer.persistence._arrays import Arrays, pack_arrays, unpack_arrays
from sk_fer.persistence._classifier import Written, describe_classifier, restore_classifier
from sk_fer.persistence._errors import ModelFormatError, require, shown
from sk_fer.persistence._pipeline import describe_pipeline, restore_pipeline
from sk_fer.persistence._plain import Fields, dump_json, parse_json
from sk_fer.persistence._registry import CLASSIFIERS, supported

FORMAT = "sk_fer model"
FORMAT_VERSION = 2

_VERSION = re.compile(r"[0-9A-Za-z.+!_-]{1,64}")


def save_model(model: BaseEstimator, path: str | os.PathLike[str]) -> None:
    """Write a fitted model into one file that :func:`load_model` reads without running code.

    Parameters
    ----------
    model : FERDenseClassifier, FERCNNClassifier or Pipeline
        Fitted. A Pipeline of sk_fer's transformers, scikit-learn's StandardScaler,
        MinMaxScaler, MaxAbsScaler, RobustScaler and Normalizer, ``"passthrough"``, and a
        classifier of sk_fer at its end.
    path : str or path-like
        File to write, or to replace; ``model.skfer`` is the usual name.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the model, a step or a parameter is of a kind that no model file holds.
    sk_fer.persistence.ModelFormatError
        If a value is beyond what :func:`load_model` would read, a weight that is NaN for one.
    OSError
        If the file cannot be written. What was there before is left as it was.

    Warns
    -----
    UserWarning
        If something is left out, for it belongs to this process or machine: callbacks,
        `checkpoint_dir`, a ``RandomState`` instance, `memory` of a Pipeline, `root` of
        ImageReader, `copy` of scalers, metadata requests. The loaded model has the defaults.

    See Also
    --------
    load_model : Read it again.
    sk_fer.persistence.push_to_hub : Share it.

    Notes
    -----
    The file is a zip of ``model.json``, ``weights.safetensors`` and ``SHA256SUMS``, which
    ``sha256sum --check`` reads. The state of the optimizer is not in it, as it is in no joblib
    file either. The same model gives the same bytes.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sk_fer import FERDenseClassifier, load_model, save_model
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(64, random_state=0)
    >>> model = FERDenseClassifier((16,), max_epochs=1, random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     save_model(model, Path(folder, "model.skfer"))
    ...     loaded = load_model(Path(folder, "model.skfer"))
    >>> bool((loaded.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    from sk_fer.estimators._persistence import library_versions

    is_pipeline = type(model) is Pipeline
    if not is_pipeline and type(model) not in CLASSIFIERS.values():
        raise TypeError(
            f"got a {type(model).__name__}; a model file holds a fitted {', '.join(CLASSIFIERS)}, "
            f"or a Pipeline that ends with one, of {supported()}; joblib.dump keeps any"
        )
    check_is_fitted(model)
    arrays: Arrays = {}
    left_out: list[str] = []
    describe = describe_pipeline if is_pipeline else describe_classifier
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": library_versions(),
        "model": describe(model, arrays, left_out),
    }
    if left_out:
        warnings.warn(
            f"left out of {os.fspath(path)}, for a model file holds nothing of this process or "
            f"machine: {', '.join(left_out)}; the loaded model has the defaults, and predicts as "
            "before: set them again before another fit",
            UserWarning,
            stacklevel=2,
        )
    content = dump_json(description), pack_arrays(arrays)
    _restore(*content)  # no file is written that could not be read
    write_archive(Path(path), *content)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Read a model file, which can come from anyone: no code in it can run.

    Parameters
    ----------
    path : str or path-like
        File that :func:`save_model` wrote.

    Returns
    -------
    FERDenseClassifier, FERCNNClassifier or Pipeline
        Fitted, with the bits that were saved: it predicts the same, and can be trained on as
        one from a joblib file can. On the CPU where its device is missing.

    Raises
    ------
    sk_fer.persistence.ModelFormatError
        If the file is none (a joblib file, for one), damaged, altered, or of a later version.
    OSError
        If the file is missing or may not be read.

    Warns
    -----
    UserWarning
        If another minor version of sk_fer wrote the file.

    See Also
    --------
    save_model : Write one.
    sk_fer.persistence.from_hub : Read one from the Hugging Face Hub.

    Notes
    -----
    Classes come from a fixed list, parameters pass their own constraints, and every array is
    compared with the architecture before the network takes memory. The checksums tell damage,
    not forgery: they do not say who made the file. Whom a model calls happy is up to whoever
    trained it.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> from sk_fer import load_model
    >>> from sk_fer.persistence import ModelFormatError
    >>> with NamedTemporaryFile(suffix=".skfer") as file:
    ...     try:
    ...         load_model(file.name)
    ...     except ModelFormatError as error:
    ...         print(str(error).removeprefix(file.name))
    : is empty; wanted a model file
    """
    path = Path(path)
    try:
        return _restore(*read_archive(path))
    except ModelFormatError as error:
        raise ModelFormatError(f"{path}: {error!s:.600}") from error.__cause__


def _restore(description: bytes, weights: bytes) -> Any:
    fields = Fields(parse_json(description, DESCRIPTION), DESCRIPTION)
    written = _check_version(fields)
    model = Fields(fields.take("model", dict), f"{DESCRIPTION}, model")
    fields.finish()
    arrays = unpack_arrays(weights)
    if "steps" in model:
        return restore_pipeline(model, arrays, written)
    return restore_classifier(model, arrays, written)


def _check_version(fields: Fields) -> Written:
    """Return what wrote the file, if this version can read it."""
    name = fields.take("format", str)
    require(name == FORMAT, f"{DESCRIPTION}: format is {shown(name)}; wanted {FORMAT!r}")
    version = fields.take("format_version", int)
    versions = fields.take("versions", dict)
    require(
        "sk_fer" in versions
        and len(versions) < 100
        and all(type(v) is str and _VERSION.fullmatch(v) for v in versions.values()),
        f"{DESCRIPTION}: versions are {shown(versions)}",
    )
    require(
        1 <= version <= FORMAT_VERSION,
        f"format version {version}, written by sk_fer {versions['sk_fer']}; this one reads 1 to "
        f"{FORMAT_VERSION}",
    )
    return Written(version, versions)
