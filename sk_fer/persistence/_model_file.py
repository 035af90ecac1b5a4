"""Writes and reads model files, which contain a fitted model and no code."""

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
from sk_fer.persistence._errors import ModelFormatError, refuse_search, require, shown
from sk_fer.persistence._estimator import (
    ALONE,
    BEFORE,
    FINAL,
    describe_estimator,
    is_of,
    restore_estimator,
)
from sk_fer.persistence._network import Written, half_precision
from sk_fer.persistence._pipeline import describe_pipeline, restore_pipeline
from sk_fer.persistence._plain import Fields, dump_json, parse_json

FORMAT = "sk_fer model"
FORMAT_VERSION = 3

# The command loads files with these names with joblib.
PICKLED = frozenset({".joblib", ".pickle", ".pkl"})

_VERSION = re.compile(r"[0-9A-Za-z.+!_-]{1,64}")


def save_model(
    model: BaseEstimator, path: str | os.PathLike[str], *, dtype: str = "float32"
) -> None:
    """Write a fitted model to one file that :func:`load_model` reads without running code.

    Parameters
    ----------
    model : classifier, FERFeatures or Pipeline
        A fitted classifier of sk_fer, a fitted :class:`~sk_fer.FERFeatures`, or a fitted
        Pipeline that ends with a classifier of sk_fer or with scikit-learn's LogisticRegression
        or LinearSVC. The other steps of the Pipeline can be transformers of sk_fer, including
        FERFeatures, scikit-learn's StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler and
        Normalizer, and ``"passthrough"``.
    path : str or path-like
        The file to write. The usual name is ``model.skfer``. An existing file is replaced.
    dtype : {"float32", "float16"}, default="float32"
        The type of the weights of networks in the file. "float16" halves the size of the file
        and rounds the weights to 11 bits. The loaded model computes in the same types as with
        "float32".

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the model, a step or a parameter is of a kind that model files cannot contain.
    sk_fer.persistence.ModelFormatError
        If :func:`load_model` would refuse a value, for example a weight that is NaN.
    ValueError
        If `dtype` is another one, if a weight is too large for "float16", or if the name ends in
        .joblib, .pickle or .pkl, which are names of pickles.
    OSError
        If the file cannot be written. An existing file is not changed then.

    Warns
    -----
    UserWarning
        If something is left out because it belongs to this process or machine: callbacks,
        `checkpoint`, a ``RandomState`` instance, `weights` that are a file or a classifier
        (the file contains the fitted weights), `memory` of a Pipeline, `root` of ImageReader,
        `copy` of scalers, `n_jobs`, metadata requests. The loaded model has the default values
        instead.

    See Also
    --------
    load_model : Read a model file.
    sk_fer.persistence.push_to_hub : Upload a model to the Hugging Face Hub.

    Notes
    -----
    The file is a zip archive of ``model.json``, ``weights.safetensors`` and ``SHA256SUMS``, which
    ``sha256sum --check`` can read. It does not contain the state of the optimizer; a joblib file
    does not, either. The same model always gives the same bytes.

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
    from sk_fer._utils._library_versions import library_versions

    refuse_search(model)
    is_pipeline = type(model) is Pipeline
    if not is_pipeline and not is_of(model, ALONE):
        raise TypeError(
            f"got a {type(model).__name__}; a model file can contain a fitted {', '.join(ALONE)}, "
            f"or a Pipeline of {', '.join(BEFORE)} that ends with {' or '.join(FINAL)}; "
            "use joblib.dump for other models"
        )
    if dtype not in ("float32", "float16"):
        raise ValueError(f"got dtype={dtype!r}, expected 'float32' or 'float16'")
    if (suffix := Path(path).suffix.lower()) in PICKLED:
        raise ValueError(
            f"{path}: got a name that ends in {suffix}, which is for files of joblib and pickle; "
            "expected another one, such as model.skfer, for a model file"
        )
    check_is_fitted(model)
    arrays: Arrays = {}
    left_out: list[str] = []
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": library_versions(),
        "model": (
            describe_pipeline(model, arrays, left_out)
            if is_pipeline
            else describe_estimator(model, "", arrays, left_out)
        ),
    }
    if left_out:
        warnings.warn(
            f"{os.fspath(path)} does not contain {', '.join(left_out)}, because these belong to "
            "this process or machine. The loaded model has the default values instead and makes "
            "the same predictions; set them before you fit it again",
            UserWarning,
            stacklevel=2,
        )
    if dtype == "float16":
        arrays = half_precision(arrays)
    content = dump_json(description), pack_arrays(arrays)
    _restore(*content)  # checks that the file can be read
    write_archive(Path(path), *content)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Read a model file, without running code: the file can be from any source.

    Parameters
    ----------
    path : str or path-like
        The file that :func:`save_model` wrote.

    Returns
    -------
    model : classifier, FERFeatures or Pipeline
        The fitted model, with exactly the weights in the file. It returns the same predictions or
        features, and its training can be continued as that of a model from a joblib file. It is
        on the CPU if its device is missing.

    Raises
    ------
    sk_fer.persistence.ModelFormatError
        If the file is not a model file (for example a joblib file), or is damaged, changed, or
        of a later version.
    OSError
        If the file does not exist or cannot be read.

    Warns
    -----
    UserWarning
        If the file was written by another minor version of sk_fer.

    See Also
    --------
    save_model : Write a model file.
    sk_fer.persistence.from_hub : Load a model from the Hugging Face Hub.

    Notes
    -----
    Only classes of a fixed list are created, their parameters are validated, and the shape of
    every array is compared with the architecture before memory is allocated for the network. The
    checksums detect damage. They do not show who made the file, and nothing can show whether a
    model was trained to make wrong predictions.

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
    : is empty; expected a model file
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
    return restore_estimator(ALONE, model, "", arrays, written)


def _check_version(fields: Fields) -> Written:
    """Check the format version of the file, and return it."""
    name = fields.take("format", str)
    require(name == FORMAT, f"{DESCRIPTION}: format is {shown(name)}; expected {FORMAT!r}")
    version = fields.take("format_version", int)
    versions = fields.take("versions", dict)
    require(
        "sk_fer" in versions
        and len(versions) < 100
        and all(type(v) is str and _VERSION.fullmatch(v) for v in versions.values()),
        f"{DESCRIPTION}: versions is {shown(versions)}; expected a version for each library",
    )
    require(
        1 <= version <= FORMAT_VERSION,
        f"format version {version}, written by sk_fer {versions['sk_fer']}; this version of sk_fer "
        f"reads 1 to {FORMAT_VERSION}",
    )
    return Written(version, versions)
