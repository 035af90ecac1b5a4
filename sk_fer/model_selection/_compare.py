"""Several classifiers on one split, as a table."""

from __future__ import annotations

import pickle
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import accuracy_score, f1_score, log_loss, recall_score
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _num_samples

from sk_fer._utils._constraints import validate_params
from sk_fer.estimators import FERDenseClassifier
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._targets import encode_targets, hard_labels
from sk_fer.persistence import save_model

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "parameters",
    "train_seconds",
    "train_images_per_second",
    "predict_images_per_second",
    "accuracy",
    "f1_macro",
    "balanced_accuracy",
    "log_loss",
    "model_bytes",
)


@validate_params(
    {
        "estimators": [list, tuple, dict],
        "X_train": ["array-like"],
        "y_train": ["array-like"],
        "X_test": ["array-like"],
        "y_test": ["array-like"],
        "error_score": [StrOptions({"raise"}), np.nan],
    }
)
def compare(
    estimators: list[Any] | tuple[Any, ...] | dict[str, Any],
    X_train: ArrayLike,
    y_train: ArrayLike,
    X_test: ArrayLike,
    y_test: ArrayLike,
    *,
    error_score: str | float = "raise",
) -> pd.DataFrame:
    """Fit classifiers on the same images, score them on the same others, and tabulate it.

    The table is a report, and picks no winner: who chooses by it has used the test images up,
    and must score the choice on images that are in neither split.

    Parameters
    ----------
    estimators : list of classifiers, list of (str, classifier), or dict of str to classifier
        Any of scikit-learn's classifiers, Pipelines among them; clones of them are fitted.
        Those without a name are named after their class, and after the parameters that
        differ where several are of one class.
    X_train, y_train : array-like
        Images and labels to fit, in any form that each classifier's ``fit`` takes.
    X_test, y_test : array-like
        Images to score on, and the label of each, all of them labels of `y_train`.
    error_score : "raise" or numpy.nan, default="raise"
        Whether a classifier that cannot be fitted, or cannot predict, ends the comparison, or
        gets a row of NaN.

    Returns
    -------
    table : DataFrame
        A row a classifier, under its name, in the order of `estimators`, with the columns

        parameters : weights of a network, or coefficients of a linear model or
            :class:`~sklearn.neural_network.MLPClassifier`; missing for others.
        train_seconds : of ``fit``, on the wall clock.
        train_images_per_second : images of `X_train` times epochs, by these seconds; NaN
            where there is no ``n_epochs_``.
        predict_images_per_second : images of `X_test`, by the seconds of ``predict``.
        accuracy, f1_macro, balanced_accuracy : on `X_test`; of the last two each class of
            `y_test` has the same share.
        log_loss : of ``predict_proba`` on `X_test`; NaN where there is none.
        model_bytes : size of what :func:`sk_fer.save_model` writes, else of the pickle.

    Raises
    ------
    TypeError
        If one of `estimators` is no classifier.
    ValueError
        If two have the same name, images and labels differ in number, or a label is missing
        or is in `y_test` alone. Nothing is fitted then.

    Warns
    -----
    sklearn.exceptions.FitFailedWarning
        For each row of NaN, if `error_score` is NaN.

    See Also
    --------
    sk_fer.inspection.ComparisonDisplay : The scores as bars.
    sklearn.model_selection.cross_validate : One classifier on several splits, with a spread.

    Notes
    -----
    Times are those of one run, one classifier after the other, and change with whatever else
    the machine does. ``predict`` comes after ``predict_proba``, so that what a first call has
    to set up is not in its seconds. Images that a classifier sets aside in ``fit`` for
    validation count as trained on.

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
    import pandas as pd

    classifiers = _named(estimators)
    labels = _check_split(X_train, y_train, X_test, y_test)
    _warm_up(classifiers.values())
    rows = []
    for name, classifier in classifiers.items():
        try:
            row = _fit_and_score(classifier, X_train, y_train, X_test, labels)
        except Exception as error:
            if error_score == "raise":
                error.add_note(f"This was {name!r} of the classifiers to compare.")
                raise
            warnings.warn(
                f"{name!r} failed, its row is NaN: {type(error).__name__}: {error}",
                FitFailedWarning,
                stacklevel=2,
            )
            row = {}
        rows.append(row)
    table = pd.DataFrame(rows, pd.Index(classifiers, name="estimator"), COLUMNS, dtype=np.float64)
    return table.astype({"parameters": "Int64", "model_bytes": "Int64"})


def _named(estimators: list[Any] | tuple[Any, ...] | dict[str, Any]) -> dict[str, Any]:
    """Return a clone of each classifier under its name."""
    pairs = list(estimators.items()) if isinstance(estimators, dict) else estimators
    pairs = [pair if isinstance(pair, tuple) else (None, pair) for pair in pairs]
    if not pairs:
        raise ValueError("got no estimators to compare, wanted one at least")
    for i, pair in enumerate(pairs):
        if len(pair) != 2 or not isinstance(pair[0], str | None):
            raise TypeError(f"got estimators[{i}]={pair!r:.200}, wanted (name, classifier)")
        name, classifier = pair
        if not (isinstance(classifier, BaseEstimator) and is_classifier(classifier)):
            place = f"estimators[{i}]" if name is None else repr(name)
            raise TypeError(
                f"{place} is {classifier!r:.200} of type {type(classifier).__name__}, wanted a "
                "classifier"
            )
    unnamed = [i for i, (name, _) in enumerate(pairs) if name is None]
    made = dict(zip(unnamed, _make_names([pairs[i][1] for i in unnamed]), strict=True))
    names = [made.get(i, name) for i, (name, _) in enumerate(pairs)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"got several estimators of the name {', '.join(map(repr, twice))}, wanted each once; "
            "a list of (name, classifier) tells them apart"
        )
    return {name: clone(pair[1]) for name, pair in zip(names, pairs, strict=True)}


def _make_names(classifiers: list[Any]) -> list[str]:
    """Name each after its class, and after what it has unlike others of the class."""
    alike = defaultdict(list)
    for i, classifier in enumerate(classifiers):
        steps = [step for _, step in getattr(classifier, "steps", [("", classifier)])]
        kinds = [type(step).__name__ for step in steps if isinstance(step, BaseEstimator)]
        alike[" + ".join(kinds)].append(i)
    names = [""] * len(classifiers)
    for kind, places in alike.items():
        settings = [_plain_parameters(classifiers[i]) for i in places]
        unlike = [
            name
            for name in settings[0]
            if len({_shown(each.get(name, ...)) for each in settings}) > 1
        ]
        for i, each in zip(places, settings, strict=True):
            told = ", ".join(f"{name}={_shown(each[name])}" for name in unlike if name in each)
            names[i] = f"{kind}({told})" if told else kind
    return names


def _plain_parameters(classifier: Any) -> dict[str, Any]:
    return {
        name: type(value) if isinstance(value, BaseEstimator) else value
        for name, value in classifier.get_params().items()
        if name != "steps"
    }


def _shown(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)


def _check_split(X_train: Any, y_train: Any, X_test: Any, y_test: Any) -> NDArray:
    """Return the labels of the test images, which are like the training images in form."""
    classes, encoded_train = encode_targets(y_train, estimator="compare", name="y_train")
    _, encoded = encode_targets(y_test, classes, estimator="compare", name="y_test")
    for split, X, y in (("train", X_train, encoded_train), ("test", X_test, encoded)):
        if _num_samples(X) != len(y) or not len(y):
            raise ValueError(
                f"X_{split} has {_num_samples(X)} images and y_{split} {len(y)} labels, wanted "
                "as many of both, one at least"
            )
    trained, tested = (getattr(X, "shape", ())[1:] for X in (X_train, X_test))
    if trained and tested and trained != tested:
        raise ValueError(f"X_train has images of shape {trained}, but X_test of {tested}")
    return classes[hard_labels(encoded)]


def _warm_up(classifiers: Iterable[Any]) -> None:
    """Have torch imported and its devices set up, whose seconds are no part of the first fit."""
    last = [_last_step(each) for each in classifiers]
    if any(hasattr(each, "backbone") for each in last) and find_spec("timm"):
        import_module("timm")
    for device in {each.device for each in last if isinstance(each, BaseFERClassifier)}:
        with suppress(Exception):  # the fit that it is for says what is wrong
            FERDenseClassifier((1,), max_epochs=1, device=device).fit([[0.0], [1.0]], [0, 1])


def _last_step(classifier: Any) -> Any:
    return classifier[-1] if isinstance(classifier, Pipeline) else classifier


def _fit_and_score(
    classifier: Any, X_train: Any, y_train: Any, X_test: Any, y_test: NDArray
) -> dict[str, float]:
    """Return a row of the table."""
    start = perf_counter()
    classifier.fit(X_train, y_train)
    train_seconds = perf_counter() - start
    loss = np.nan
    if hasattr(classifier, "predict_proba"):
        probabilities = classifier.predict_proba(X_test)
        loss = log_loss(y_test, probabilities, labels=classifier.classes_)
    start = perf_counter()
    y_pred = classifier.predict(X_test)
    predict_seconds = perf_counter() - start

    last = _last_step(classifier)
    n_trained = _num_samples(X_train) * getattr(last, "n_epochs_", np.nan)
    # scikit-learn's own balanced accuracy warns of predicted classes that y_test has not.
    each_class = {"labels": np.unique(y_test), "average": "macro", "zero_division": 0}
    return {
        "parameters": _count_parameters(last),
        "train_seconds": train_seconds,
        "train_images_per_second": n_trained / train_seconds,
        "predict_images_per_second": len(y_test) / predict_seconds,
        "accuracy": accuracy_score(y_test, y_pred),
        "f1_macro": f1_score(y_test, y_pred, **each_class),
        "balanced_accuracy": recall_score(y_test, y_pred, **each_class),
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
    """Return the size of the model file, of the pickle, or NaN where there can be neither."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of what a model file leaves out
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
