"""The folds of a search, in which the steps of Pipelines are fitted and applied once."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy, deepcopy
from functools import cached_property, partial
from pathlib import Path
from pickle import PicklingError
from threading import RLock
from typing import Any

import joblib
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from sk_fer._utils._image_rows import ImageRows
from sk_fer.estimators._base import BaseFERClassifier


class Fold:
    """The training and the test images of a fold, and the results of preprocessing steps.

    All candidates of a search are fitted and scored on the same fold. A step of a Pipeline is
    fitted and applied once for all candidates that give the step, and the steps before it, the
    same parameters. The images of the fold are copied once at most.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        All images.
    y : array-like of shape (n_samples,) or None
        All labels.
    train, test : ndarray of int
        The rows of the training and of the test images.
    folder : Path, default=None
        A folder for the results of the steps, which several processes share as memory maps. If
        None, the results are in memory, and only those of the last candidate are kept.

    Attributes
    ----------
    y_train, y_test : array-like or None
        The labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection._folds import Fold
    >>> from sk_fer.preprocessing import HistogramEqualizer
    >>> X, y = make_faces(70, image_size=16, random_state=0)
    >>> net = FERDenseClassifier((8,), max_epochs=1, random_state=0)
    >>> model = make_pipeline(HistogramEqualizer(), net)
    >>> fold = Fold(X, y, np.arange(50), np.arange(50, 70))
    >>> with fold.sharing(model) as (X_train, X_test):
    ...     score = model.fit(X_train, fold.y_train).score(X_test, fold.y_test)
    """

    def __init__(
        self,
        X: Any,
        y: Any,
        train: NDArray[np.intp],
        test: NDArray[np.intp],
        folder: Path | None = None,
    ) -> None:
        self.train, self.test = train, test
        self.y_train, self.y_test = (
            None if y is None else _safe_indexing(y, rows) for rows in (train, test)
        )
        self._X = X
        self._rows = (ImageRows(X, train), ImageRows(X, test)) if _are_bytes(X) else None
        self.folder = folder
        self._kept: dict[str, tuple[Any, Any]] = {}
        self._names: dict[int, str] = {}
        if self._rows is not None:
            self._names.update(zip(map(id, self._rows), ("train", "test"), strict=True))
        self._used: set[str] = set()
        self._lock = RLock()

    @cached_property
    def _copies(self) -> tuple[Any, Any]:
        """The training and test images, copied."""
        copies = tuple(_safe_indexing(self._X, rows) for rows in (self.train, self.test))
        self._names.update(zip(map(id, copies), ("train", "test"), strict=True))
        return copies

    def images_for(self, estimator: Any) -> tuple[Any, Any]:
        """Return the images to fit and to score an estimator on.

        Parameters
        ----------
        estimator : estimator
            A candidate, also inside :meth:`sharing`.

        Returns
        -------
        X_train, X_test : array-like
            Arrays, or rows of all images if the last step takes them. Rows of uint8 images need no
            check of their values, so that a fit needs no copy of them.
        """
        last = estimator[-1] if self._is_shared(estimator) else estimator
        return (self._rows if isinstance(last, BaseFERClassifier) else None) or self._copies

    def _is_shared(self, estimator: Any) -> bool:
        return isinstance(estimator, Pipeline) and estimator.memory in (None, self)

    @contextmanager
    def sharing(self, estimator: Any) -> Iterator[tuple[Any, Any]]:
        """Share the steps of a Pipeline that is fitted and scored in a ``with`` block.

        Estimators of other kinds, and Pipelines with a `memory`, are not changed.

        Parameters
        ----------
        estimator : estimator
            A candidate, with its parameters. The Pipeline has ordinary steps after the block.

        Yields
        ------
        X_train, X_test : array-like
            The images to fit and to score the candidate on.
        """
        images = self.images_for(estimator)
        fitted = estimator[-1] if self._is_shared(estimator) else estimator
        if not isinstance(fitted, BaseFERClassifier) and hasattr(fitted, "fit"):
            # It may work in place, and other candidates are fitted on the same images.
            replace_next_call(fitted, "fit", partial(_fit_on_copy, fitted.fit))
        if not isinstance(estimator, Pipeline) or estimator.memory is not None:
            yield images
            return
        self._used = set()
        estimator.memory = self
        try:
            yield images
        finally:
            estimator.memory = None
            estimator.steps = ordinary(estimator).steps
            self._drop_others(self._used)

    def prepared(self, pipeline: Pipeline) -> tuple[Any, Any]:
        """Return the training and test images as the last step of a Pipeline receives them.

        Parameters
        ----------
        pipeline : Pipeline
            A candidate, with its parameters. Its steps but the last are replaced with fitted ones.

        Returns
        -------
        X_train, X_test : array-like
            The images after all steps but the last.
        """
        with self.sharing(pipeline) as (_, X_test):
            X_train = self.fit_steps(pipeline)
            for _, step in pipeline.steps[:-1]:
                X_test = X_test if step in (None, "passthrough") else step.transform(X_test)
        return X_train, X_test

    def fit_steps(self, pipeline: Pipeline) -> Any:
        """Fit the steps of a Pipeline but the last, inside :meth:`sharing`.

        Parameters
        ----------
        pipeline : Pipeline
            A candidate. Its steps but the last are replaced with fitted ones.

        Returns
        -------
        array-like
            The training images after these steps.
        """
        # A Pipeline does not share its last step.
        steps = Pipeline([*pipeline.steps[:-1], ("last", "passthrough")], memory=pipeline.memory)
        X_train = steps.fit_transform(self.images_for(pipeline)[0], self.y_train)
        pipeline.steps = [*steps.steps[:-1], pipeline.steps[-1]]
        return X_train

    def cache(self, function: Callable[..., Any], ignore: Any = None) -> Callable[..., Any]:
        """Return a function that fits and applies a step once, as ``Pipeline(memory=)`` needs."""
        return partial(self._fit_transform, function)

    def _fit_transform(
        self, function: Callable[..., Any], step: Any, X: Any, y: Any, **settings: Any
    ) -> tuple[Any, Any]:
        name = self._names.get(id(X))
        key = None if name is None else _key(name, step, settings.get("params"))

        def compute() -> tuple[Any, Any]:
            return function(step, _own_copy(X), y, **settings)

        transformed, fitted = compute() if key is None else self._once(key, compute)
        return transformed, _CachedStep(fitted, partial(self._transform, key, fitted))

    def _transform(self, key: str | None, fitted: Any, X: Any) -> Any:
        """Apply the step that was fitted under `key`, once for the images of the fold."""
        name = self._names.get(id(X))

        def compute() -> tuple[Any, None]:
            return fitted.transform(_own_copy(X)), None

        if key is None or name is None:
            return compute()[0]
        return self._once(joblib.hash((key, name)), compute)[0]

    def _once(self, key: str, compute: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
        with self._lock:
            self._used.add(key)
            if key not in self._kept:
                result = compute() if self.folder is None else _shared(self.folder, key, compute)
                self._kept[key] = result
                self._names[id(result[0])] = key
            return self._kept[key]

    def _drop_others(self, used: set[str]) -> None:
        with self._lock:
            for key in self._kept.keys() - used:
                self._names.pop(id(self._kept.pop(key)[0]), None)


class _CachedStep:
    """A fitted step of a Pipeline that transforms the images of a fold once."""

    def __init__(self, fitted: Any, transform: Callable[[Any], Any]) -> None:
        self.fitted = fitted
        self._transform = transform

    def transform(self, X: Any, **params: Any) -> Any:
        """Transform images, or return the result of the same call before."""
        return self.fitted.transform(X, **params) if params else self._transform(X)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name == "fitted":  # while it is copied or unpickled
            raise AttributeError(name)
        return getattr(self.fitted, name)


def ordinary(estimator: Any) -> Any:
    """Return an estimator without its connection to a fold, for example for a function that scores.

    Parameters
    ----------
    estimator : estimator
        An estimator inside :meth:`Fold.sharing`.

    Returns
    -------
    estimator
        A shallow copy of a Pipeline whose steps are those that were fitted, or any other estimator
        itself.
    """
    if not isinstance(estimator, Pipeline) or not isinstance(estimator.memory, Fold | None):
        return estimator
    other = copy(estimator)
    other.memory = None
    other.steps = [
        (name, step.fitted if isinstance(step, _CachedStep) else step)
        for name, step in estimator.steps
    ]
    return other


def _are_bytes(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.dtype == np.uint8 and X.ndim > 1


def replace_next_call(estimator: Any, name: str, function: Callable[..., Any]) -> None:
    """Replace a method of an estimator by a function for the next call.

    Parameters
    ----------
    estimator : estimator
        The estimator.
    name : str
        The name of the method.
    function : callable
        The function, with the arguments of the method.
    """

    def call(*args: Any, **params: Any) -> Any:
        delattr(estimator, name)
        return function(*args, **params)

    setattr(estimator, name, call)


def _fit_on_copy(fit: Callable[..., Any], X: Any, *args: Any, **params: Any) -> Any:
    return fit(_own_copy(X), *args, **params)


def _own_copy(X: Any) -> Any:
    """Return images that an estimator may change, as scikit-learn's in-place scalers do."""
    return np.array(X) if isinstance(X, (ImageRows, np.ndarray)) else deepcopy(X)


def _key(name: str, step: Any, params: Any) -> str | None:
    """Return a name for what an unfitted step makes of images, or None if it has none."""
    try:
        return joblib.hash((name, step, params))
    except (PicklingError, AttributeError, TypeError):  # for example a lambda
        return None


def _shared(folder: Path, key: str, compute: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Compute a result in the first process that needs it, and map its arrays in all others."""
    path = folder / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.exists():
                result = compute()
                aside = path.with_suffix(".unfinished")
                try:
                    joblib.dump(result, aside)
                except (PicklingError, AttributeError, TypeError, OSError):
                    with suppress(OSError):
                        aside.unlink()
                    return result  # each process then computes its own
                os.replace(aside, path)
                del result
            return joblib.load(path, mmap_mode="r")
    except OSError:
        return compute()
