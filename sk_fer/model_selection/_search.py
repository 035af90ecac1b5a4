"""Search over parameters by cross-validation, without people in two folds."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.model_selection._grid_search_cv import FERGridSearchCV
from sk_fer.model_selection._halving import FERHalvingSearchCV


@validate_params(
    {
        "classifier": [BaseFERClassifier, Pipeline],
        "param_grid": [dict, list],
        "X": ["array-like"],
        "y": ["array-like"],
        "groups": ["array-like", None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "halving": ["boolean"],
        "scoring": [str, callable],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "callbacks": [list, tuple],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    }
)
def grid_search(
    classifier: BaseFERClassifier | Pipeline,
    param_grid: dict[str, list[Any]] | list[dict[str, list[Any]]],
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cv: int = 3,
    halving: bool = False,
    scoring: str | Callable[..., float] = "accuracy",
    refit: bool = True,
    n_jobs: int | None = None,
    callbacks: list[Any] | tuple[Any, ...] = (),
    random_state: int = 0,
) -> BaseEstimator:
    """Try all combinations of parameters by cross-validation.

    This runs :class:`FERGridSearchCV`, or :class:`FERHalvingSearchCV` with `halving`, with
    shuffled stratified folds. With `groups`, no group is in two folds, and the validation images
    that a fit sets aside are whole groups, too, which otherwise needs scikit-learn's metadata
    routing.

    Parameters
    ----------
    classifier : classifier of sk_fer, or Pipeline
        The classifier, alone or as the last step of a Pipeline. It is cloned.
    param_grid : dict of str to list, or list of such dicts
        The values to try, as in GridSearchCV. The table :data:`sk_fer.estimators.NETWORKS` has
        a grid for each preset, for example ``NETWORKS["fast"].param_grid``.
    X : array-like of shape (n_samples, ...)
        The images, in any form that ``fit`` accepts.
    y : array-like of shape (n_samples,)
        The labels.
    groups : array-like of shape (n_samples,), default=None
        The group of each image, for example the person that it shows.
    cv : int, default=3
        The number of folds, at least 2.
    halving : bool, default=False
        Whether all candidates train for few epochs, and the best third of them continues to three
        times as many, and so on, to ``max_epochs`` of `classifier`.
    scoring : str or callable, default="accuracy"
        The score, as in GridSearchCV.
    refit : bool, default=True
        Whether to fit the best candidate on all images at the end, as ``best_estimator_``.
    n_jobs : int, default=None
        The number of fits at a time, as in GridSearchCV.
    callbacks : list or tuple of callbacks, default=()
        Callbacks of scikit-learn for the search.
    random_state : int, default=0
        The seed of the folds.

    Returns
    -------
    search : FERGridSearchCV or FERHalvingSearchCV
        The fitted search, with ``best_params_`` and ``cv_results_``. A candidate whose fit fails
        has the score NaN.

    Raises
    ------
    ValueError
        If a candidate cannot be fitted, a score is not known or cannot be computed, or the folds
        cannot be made; nothing is fitted then. Also if all fits fail.

    See Also
    --------
    compare : Fit several classifiers on the same split.

    Examples
    --------
    >>> from sk_fer import make_classifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import grid_search
    >>> X, y = make_faces(70, image_size=16, random_state=0)
    >>> dense = make_classifier("dense", max_epochs=1, random_state=0)
    >>> search = grid_search(dense, {"dropout": [0.1, 0.3]}, X, y, cv=2)
    >>> sorted(search.best_params_)
    ['dropout']
    """
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(cv, shuffle=True, random_state=random_state)
    settings: dict[str, Any] = {
        "scoring": scoring,
        "cv": folds,
        "n_jobs": n_jobs,
        "refit": refit,
        "return_train_score": False,
    }
    # Each fit also receives the groups, for its validation images.
    with config_context(enable_metadata_routing=groups is not None):
        classifier = clone(classifier)
        last = classifier[-1] if isinstance(classifier, Pipeline) else classifier
        if groups is not None and isinstance(last, BaseFERClassifier):
            last.set_fit_request(groups=True)
        if halving:
            search: Any = FERHalvingSearchCV(classifier, param_grid, **settings)
        else:
            search = FERGridSearchCV(classifier, param_grid, **settings)
        if callbacks:
            search.set_callbacks(*callbacks)
        return search.fit(X, y, **({} if groups is None else {"groups": groups}))
