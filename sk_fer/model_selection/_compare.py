"""Several classifiers on one split, as a table."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _num_samples

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._metrics import METRICS
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._runnable import check_runnable
from sk_fer.estimators._split import encode_groups
from sk_fer.estimators._targets import UNSEEN, encode_seen, encode_targets, hard_labels
from sk_fer.model_selection._names import name_classifiers
from sk_fer.persistence import save_model

if TYPE_CHECKING:
    import pandas as pd

INTERRUPTED = "interrupted"


@validate_params(
    {
        "estimators": [list, tuple, dict],
        "X_train": ["array-like"],
        "y_train": ["array-like"],
        "X_test": ["array-like"],
        "y_test": ["array-like"],
        "groups": ["array-like", None],
        "error_score": [StrOptions({"raise"}), np.nan],
        "verbose": ["verbose"],
    }
)
def compare(
    estimators: list[Any] | tuple[Any, ...] | dict[str, Any],
    X_train: ArrayLike,
    y_train: ArrayLike,
    X_test: ArrayLike,
    y_test: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    error_score: str | float = np.nan,
    verbose: int = 0,
) -> pd.DataFrame:
    """Fit classifiers on the same images and tabulate their scores on the same other images.

    The table is a report and selects no winner. If you choose a classifier by its scores here,
    score your choice again on images that are in neither split.

    Parameters
    ----------
    estimators : list of classifiers, list of (str, classifier), or dict of str to classifier
        The classifiers to compare: any classifiers of scikit-learn, including Pipelines. Clones
        of them are fitted. Classifiers without a name are named after their class, and after
        the parameters in which they differ if several are of the same class.
    X_train : array-like of shape (n_train, ...)
        The images to fit on, in any form that the ``fit`` of each classifier accepts.
    y_train : array-like of shape (n_train,) or (n_train, n_classes)
        The labels or soft targets of `X_train`.
    X_test : array-like of shape (n_test, ...)
        The images to score on, in the same form as `X_train`.
    y_test : array-like of shape (n_test,)
        The labels of `X_test`. Labels that do not occur in `y_train` count as wrong.
    groups : array-like of shape (n_train,), default=None
        The group of each image of `X_train`, for example the person that it shows. It is passed
        to the ``fit`` of classifiers of sk_fer, alone or as the last step of a Pipeline: the
        validation images that they set aside are then whole groups. Other classifiers are fitted
        without it.
    error_score : "raise" or numpy.nan, default=numpy.nan
        What happens if a classifier cannot be fitted or cannot predict. With numpy.nan, its
        scores are NaN, the ``error`` column says why, a warning names the classifier, and the
        comparison continues. With "raise", the error ends the comparison.
    verbose : int, default=0
        If it is greater than zero, a line is printed before and after each classifier.

    Returns
    -------
    table : DataFrame
        One row per classifier, with its name as index, in the order of `estimators`. The columns
        are

        parameters
            The number of weights of a network, or of coefficients of a linear model or
            :class:`~sklearn.neural_network.MLPClassifier`. Missing for other classifiers.
        train_seconds
            The wall-clock time of ``fit``.
        train_images_per_second
            The number of images of `X_train` times the number of epochs, divided by
            ``train_seconds``. NaN for classifiers without ``n_epochs_``.
        predict_images_per_second
            The number of images of `X_test`, divided by the wall-clock time of ``predict``.
        {metrics}
            Scores on `X_test`. In ``f1_macro`` and ``balanced_accuracy``, each class of `y_test`
            has the same weight.
        log_loss
            The loss of ``predict_proba`` on `X_test`. NaN for classifiers without it, and if
            `y_test` has labels that do not occur in `y_train`.
        model_bytes
            The size of the file that :func:`sk_fer.save_model` writes, or of the pickle if it
            cannot write one.
        error
            The reason why the classifier has no scores. Missing if it has them.

    Raises
    ------
    TypeError
        If one of `estimators` is not a classifier.
    ValueError
        If two classifiers have the same name; if the numbers of images, labels and groups
        differ; if a label or group is missing; if parameters, devices, weights or installed
        packages do not allow one of the classifiers to be fitted. Nothing is fitted in these
        cases. Also if all classifiers fail.

    Warns
    -----
    UserWarning
        If `y_test` has labels that do not occur in `y_train`, for example because the images
        were split by subject. The warning names them.
    sklearn.exceptions.FitFailedWarning
        For each classifier that fails, if `error_score` is numpy.nan, and if Ctrl-C
        (``KeyboardInterrupt``) ends the comparison after at least one classifier has its scores:
        the table then contains these scores, and the ``error`` of the others is "interrupted".

    See Also
    --------
    sk_fer.inspection.ComparisonDisplay : Plot the scores as bars.
    sklearn.model_selection.cross_validate : Score one classifier on several splits.

    Notes
    -----
    The times come from one run of one classifier after the other, and depend on what else the
    machine does. ``predict`` is called after ``predict_proba``, so its time does not include
    what has to be set up for a first call. Images that a classifier sets aside in ``fit`` for
    validation count as training images.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import compare
    >>> X, y = make_faces(140, random_state=0)
    >>> dense = FERDenseClassifier((8,), max_epochs=1, random_state=0)
    >>> table = compare([dense, RidgeClassifier()], X[:100], y[:100], X[100:], y[100:])
    >>> table["parameters"]
    estimator
    FERDenseClassifier    18503
    RidgeClassifier       16135
    Name: parameters, dtype: Int64
    """
    classifiers = name_classifiers(estimators)
    labels = check_split(X_train, y_train, X_test, y_test)
    if groups is not None:
        encode_groups(groups, _num_samples(X_train))  # raises if they are not valid
    _check_runnable(classifiers)
    rows: list[dict[str, Any]] = []
    cause = None
    for i, (name, classifier) in enumerate(classifiers.items(), start=1):
        if verbose:
            print(f"{name}, {i} of {len(classifiers)}, on {_num_samples(X_train):,} images")
        try:
            row = _fit_and_score(classifier, X_train, y_train, X_test, labels, groups)
        except KeyboardInterrupt:
            if error_score == "raise" or not any("error" not in row for row in rows):
                raise
            left = list(classifiers)[len(rows) :]
            _warn(f"interrupted; without scores: {', '.join(map(repr, left))}")
            rows += [{"error": INTERRUPTED}] * len(left)
            break
        except Exception as error:
            if error_score == "raise":
                error.add_note(f"The classifier is {name!r} of the estimators to compare.")
                raise
            cause = error
            row = {"error": f"{type(error).__name__}: {error}"}
            _warn(f"{name!r} failed, its scores are NaN: {row['error']}")
        else:
            if verbose:
                print(f"{name}: {row['accuracy']:.1%} accurate, {row['train_seconds']:.1f} s")
        rows.append(row)
    if all("error" in row for row in rows):
        reasons = [row["error"] for row in rows]
        raise ValueError(
            f"all {len(rows)} estimators failed:\n{_listed(classifiers, reasons)}"
        ) from cause
    return _table(rows, list(classifiers))


compare.__doc__ = (compare.__doc__ or "").replace("{metrics}", ", ".join(METRICS))


def _columns() -> list[str]:
    return [
        "parameters",
        "train_seconds",
        "train_images_per_second",
        "predict_images_per_second",
        *METRICS,
        "log_loss",
        "model_bytes",
    ]


def _table(rows: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    import pandas as pd

    index = pd.Index(names, name="estimator")
    table = pd.DataFrame(rows, index, _columns(), dtype=np.float64)
    table = table.astype({"parameters": "Int64", "model_bytes": "Int64"})
    return table.assign(error=pd.array([row.get("error") for row in rows], dtype="string"))


def _warn(message: str) -> None:
    warnings.warn(message, FitFailedWarning, stacklevel=4)  # of the caller of compare


def _listed(names: Iterable[str], reasons: Iterable[str]) -> str:
    return "\n".join(f"{name!r}: {why}" for name, why in zip(names, reasons, strict=True))


def _check_runnable(classifiers: dict[str, Any]) -> None:
    """Raise one error that names all classifiers that cannot be fitted."""
    wrong, causes = {}, []
    for name, classifier in classifiers.items():
        try:
            check_runnable(classifier)
        except Exception as error:  # estimators of other packages can raise any error
            wrong[name] = f"{type(error).__name__}: {error}"
            causes.append(error)
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(classifiers)} estimators cannot be fitted, and none was:\n"
            f"{_listed(wrong, wrong.values())}"
        ) from causes[0]


def check_split(
    X_train: Any, y_train: Any, X_test: Any, y_test: Any, *, caller: str = "compare"
) -> NDArray:
    """Return the labels of the test images, which are like the training images in form."""
    classes, encoded_train = encode_targets(y_train, estimator=caller, name="y_train")
    encoded = encode_seen(y_test, classes, estimator=caller, name="y_test")
    if UNSEEN in encoded:
        classes, encoded = encode_targets(y_test, estimator=caller, name="y_test")
    for split, X, y in (("train", X_train, encoded_train), ("test", X_test, encoded)):
        if _num_samples(X) != len(y) or not len(y):
            raise ValueError(
                f"X_{split} has {_num_samples(X)} images and y_{split} {len(y)} labels, expected "
                "as many of both, one at least"
            )
    trained, tested = (getattr(X, "shape", ())[1:] for X in (X_train, X_test))
    if trained and tested and trained != tested:
        raise ValueError(f"X_train has images of shape {trained}, but X_test of {tested}")
    return classes[hard_labels(encoded)]


def _group_params(classifier: Any, groups: Any) -> dict[str, Any]:
    """Return the arguments of `fit` for the groups, empty if it does not use them."""
    if groups is None or not isinstance(_last_step(classifier), BaseFERClassifier):
        return {}
    if not isinstance(classifier, Pipeline):
        return {"groups": groups}
    if not get_config()["enable_metadata_routing"]:
        return {f"{classifier.steps[-1][0]}__groups": groups}
    _last_step(classifier).set_fit_request(groups=True)
    return {"groups": groups}


def _last_step(classifier: Any) -> Any:
    return classifier[-1] if isinstance(classifier, Pipeline) else classifier


def _fit_and_score(
    classifier: Any, X_train: Any, y_train: Any, X_test: Any, y_test: NDArray, groups: Any
) -> dict[str, Any]:
    """Return a row of the table."""
    fit_params = _group_params(classifier, groups)
    start = perf_counter()
    classifier.fit(X_train, y_train, **fit_params)
    train_seconds = perf_counter() - start
    loss = np.nan
    if hasattr(classifier, "predict_proba"):
        probabilities = classifier.predict_proba(X_test)
        if np.isin(y_test, classifier.classes_).all():
            loss = log_loss(y_test, probabilities, labels=classifier.classes_)
    start = perf_counter()
    y_pred = classifier.predict(X_test)
    predict_seconds = perf_counter() - start

    last = _last_step(classifier)
    n_trained = _num_samples(X_train) * getattr(last, "n_epochs_", np.nan)
    return {
        "parameters": _count_parameters(last),
        "train_seconds": train_seconds,
        "train_images_per_second": n_trained / train_seconds,
        "predict_images_per_second": len(y_test) / predict_seconds,
        **{name: metric.score(y_test, y_pred) for name, metric in METRICS.items()},
        "log_loss": loss,
        "model_bytes": _model_bytes(classifier),
    }


def _count_parameters(classifier: Any) -> float:
    module = getattr(getattr(classifier, "net_", classifier), "module_", None)  # skorch's
    if module is not None:
        return sum(weight.numel() for weight in module.parameters())
    if hasattr(classifier, "coefs_"):
        return sum(map(np.size, [*classifier.coefs_, *classifier.intercepts_]))
    if hasattr(classifier, "coef_"):
        return np.size(classifier.coef_) + np.size(classifier.intercept_)
    return np.nan


def _model_bytes(classifier: Any) -> float:
    """Return the size of the model file or of the pickle, or NaN if there is neither."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about parameters that are not in the file
        path = Path(folder, "model.skfer")
        try:
            save_model(classifier, path)
        except (TypeError, ValueError):
            pass
        else:
            return path.stat().st_size
    try:
        return len(pickle.dumps(classifier))
    except (AttributeError, TypeError, pickle.PicklingError):
        return np.nan
