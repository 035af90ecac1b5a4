"""GridSearchCV whose candidates share the preprocessing of a fold, with a journal."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable
from sklearn.utils.validation import _check_method_params

from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._targets import encode_targets
from sk_fer.model_selection._check_candidates import describe_candidate
from sk_fer.model_selection._check_search import (
    check_any_score,
    check_scoring_names,
    check_search,
)
from sk_fer.model_selection._evaluate import Result, evaluate, name_candidates
from sk_fer.model_selection._journal import journal_of
from sk_fer.model_selection._progress import SearchProgress
from sk_fer.model_selection._refit import refit_best


class FERGridSearchCV(GridSearchCV):
    """Exhaustive search over parameters, with as few computations as the candidates need.

    It has the interface and the results of :class:`~sklearn.model_selection.GridSearchCV`, with
    these differences:

    - In a Pipeline, each preprocessing step is fitted and applied once per fold for all
      candidates that give it the same parameters.
    - The images of a fold are not copied for each fit. uint8 images are not copied at all, and
      with `n_jobs` they are in memory once for all processes.
    - With `n_jobs`, each fit uses the number of cores divided by the number of fits at a time as
      its threads, even if the environment variable ``OMP_NUM_THREADS`` is higher.
    - Dense networks, and heads over frozen backbones, are trained several at a time, see `batched`.
    - The grid, the folds and the scores are checked before the first fit.
    - With `journal`, a search that was interrupted or killed continues without repeating its
      finished fits.
    - The messages about failed fits name the candidates.

    Parameters
    ----------
    estimator : estimator
        The estimator, such as a classifier of sk_fer or a Pipeline that ends with one. It is
        cloned.
    param_grid : dict of str to list, or list of such dicts
        The values to try, by the names of parameters.
    scoring : str, callable, list, tuple or dict, default=None
        The score or scores, as in GridSearchCV. If None, the ``score`` of the estimator is used.
    n_jobs : int, default=None
        The number of fits at a time. -1 means one per core. None means 1 unless a
        :func:`joblib.parallel_config` sets it.
    refit : bool, str or callable, default=True
        Whether, or by which score, to fit the best candidate on all images at the end.
    cv : int, splitter or iterable, default=None
        The folds. If None, they are 5 stratified folds.
    verbose : int, default=0
        0 prints nothing. 1 shows the progress: on a terminal a bar with the number of candidates
        and fits, the best score so far and the time that is left, and otherwise a line for each
        finished candidate. Higher values also print the lines of GridSearchCV for each fit.
    pre_dispatch : int or str, default="2*n_jobs"
        The number of fits that are sent to processes ahead of time.
    error_score : "raise" or float, default=np.nan
        The score of a fit that fails. "raise" raises the error instead.
    return_train_score : bool, default=False
        Whether to score the training images of each fit, too.
    batched : bool, default=True
        Whether to train dense networks of equal layers as one computation, if nothing prevents it,
        and so the linear heads of :class:`~sk_fer.FERPretrainedClassifier` with
        ``trainable="head"`` and ``augment=None``, whose equal backbones run once in each fold. They
        may differ in parameters such as `lr`, `weight_decay`, `dropout` and `random_state`.
        Their scores differ from those of single fits only by the rounding of sums. Callbacks of
        scikit-learn that the search passes on to its fits, such as ``ProgressBar``, prevent it.
    journal : str or path-like, default=None
        The folder of the journal, which is created if it does not exist. Each finished fit is
        written to it. If the folder has the journal of the same search, its fits are not
        repeated. Fits that failed, or have the score NaN or `error_score`, are repeated.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        The parameters, scores and times of each candidate.
    best_estimator_ : estimator
        The best candidate, fitted on all images. Only with `refit`.
    best_score_ : float
        The mean score of the best candidate.
    best_params_ : dict
        The parameters of the best candidate.
    best_index_ : int
        The position of the best candidate in ``cv_results_``.
    scorer_ : callable or dict
        The scorer or scorers.
    n_splits_ : int
        The number of folds.
    refit_time_ : float
        The seconds of the last fit. Only with `refit`.
    multimetric_ : bool
        Whether there are several scores.
    classes_ : ndarray of shape (n_classes,)
        The classes. Only with `refit`.
    n_features_in_ : int
        The number of values in each image. Only with `refit`.
    feature_names_in_ : ndarray of str
        The names of the columns, if X was a DataFrame. Only with `refit`.

    See Also
    --------
    grid_search : A function with shuffled folds that keeps groups together.
    sklearn.model_selection.GridSearchCV : The search of scikit-learn.

    Notes
    -----
    With ``batched=False``, the scores are equal to those of GridSearchCV to the last bit, if the
    number of threads is the same. A journal belongs to one estimator, grid, scoring, data and
    folds. Another search in the same folder raises an error that names the difference. Parameters
    such as `verbose` and `n_jobs` may change.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import FERGridSearchCV
    >>> from sk_fer.preprocessing import HistogramEqualizer
    >>> X, y = make_faces(70, image_size=16, random_state=0)
    >>> net = FERDenseClassifier((16,), max_epochs=2, random_state=0)
    >>> model = make_pipeline(HistogramEqualizer(), net)
    >>> grid = {"ferdenseclassifier__lr": [0.001, 0.01]}
    >>> search = FERGridSearchCV(model, grid, cv=2).fit(X, y)
    >>> sorted(search.best_params_)
    ['ferdenseclassifier__lr']
    """

    _describe = staticmethod(describe_candidate)  # the command has shorter names

    _parameter_constraints: dict[str, list[Any]] = {
        **GridSearchCV._parameter_constraints,
        # An unknown name has a message with the nearest names.
        "scoring": [str, callable, list, tuple, dict, None],
        "batched": ["boolean"],
        "journal": [str, PathLike, None],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: dict[str, Any] | list[dict[str, Any]],
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., int] = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: str | float = np.nan,
        return_train_score: bool = False,
        batched: bool = True,
        journal: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.batched = batched
        self.journal = journal

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Fit and score all candidates, and fit the best one on all images.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The images, in any form that the estimator accepts.
        y : array-like of shape (n_samples,), default=None
            The labels.
        **params : dict of str to object
            Parameters of the ``fit`` of the estimator, of the scorer and of the splitter, such as
            `groups`, as in GridSearchCV.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If a candidate cannot be fitted, a score is not known or cannot be computed, the folds
            cannot be made, or the journal is of another search; nothing is fitted then. Also if
            all fits fail, or all candidates have the score NaN.
        """
        check_scoring_names(self.scoring)
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        weight = params.get("sample_weight")
        metadata = None if weight is None else {"sample_weight": weight}
        data = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        root = self._init_callback_context(max_subtasks=1 + (self.refit is not False))
        root = root.call_on_fit_task_begin(**data)
        last = self.estimator[-1] if isinstance(self.estimator, Pipeline) else self.estimator
        if isinstance(last, BaseFERClassifier):
            encode_targets(
                y, estimator=type(self).__name__
            )  # raises before check_cv casts infinity
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self._checked_cv_orig = cv
        candidates = list(ParameterGrid(self.param_grid))
        folds = check_search(
            self.estimator, candidates, X, y, cv=cv, scoring=self.scoring, **routed.splitter.split
        )
        self.n_splits_ = len(folds)
        results = self._evaluate(scorers, candidates, folds, X, y, routed, params, root)

        self.multimetric_ = isinstance(results[0]["test_scores"], dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(results[0]["test_scores"])
            refit_metric = self.refit
        table = self._format_results(candidates, self.n_splits_, results)
        if self.refit or not self.multimetric_:
            if not callable(self.refit):
                check_any_score(table[f"mean_test_{refit_metric}"])
            self.best_index_ = self._select_best_index(self.refit, refit_metric, table)
            if not callable(self.refit):
                self.best_score_ = table[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = table["params"][self.best_index_]
        if self.refit:
            refit_best(self, routed.estimator.fit, data, root)
        multimetric = isinstance(scorers, _MultimetricScorer)
        self.scorer_ = scorers._scorers if multimetric else scorers
        self.cv_results_ = table
        root.call_on_fit_task_end(**data)
        return self

    def _evaluate(
        self,
        scorers: Any,
        candidates: list[dict[str, Any]],
        folds: list[tuple[Any, Any]],
        X: Any,
        y: Any,
        routed: Any,
        params: dict[str, Any],
        root: Any,
    ) -> list[Result]:
        """Fit and score all candidates on all folds, except those in the journal."""
        n_fits = len(candidates) * len(folds)
        context = root.subcontext(
            task_name="search", max_subtasks=n_fits, sequential_subtasks=False
        ).call_on_fit_task_begin(estimator=self)
        contexts = [
            context.subcontext(task_name="candidate-split-evaluation", task_id=number)
            for number in range(n_fits)
        ]
        score = self.refit if isinstance(self.refit, str) else None
        with (
            journal_of(self, candidates, X, y, folds, ["return_train_score"], params) as journal,
            SearchProgress(
                self.verbose, n_fits=n_fits, score=score, describe=self._describe
            ) as progress,
        ):
            progress.begin(candidates, len(folds))
            results = evaluate(
                clone(self.estimator),
                candidates,
                X,
                y,
                folds,
                n_jobs=self.n_jobs,
                pre_dispatch=self.pre_dispatch,
                journal=journal,
                finished=progress.finished,
                contexts=contexts,
                caller=self,
                batched=self.batched,
                scorer=scorers,
                fit_params=routed.estimator.fit,
                score_params=routed.scorer.score,
                return_train_score=self.return_train_score,
                error_score=self.error_score,
                verbose=self.verbose,
            )
        name_candidates(results, candidates, len(folds), self._describe)
        _warn_or_raise_about_fit_failures(results, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(results, self.error_score)
        context.call_on_fit_task_end(estimator=self)
        return results
