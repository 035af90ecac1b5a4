"""Successive halving over epochs, in which the candidates that are left continue to train."""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.model_selection import ParameterGrid, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import indexable
from sklearn.utils.validation import _check_method_params

from sk_fer._utils._constraints import Interval
from sk_fer.estimators._targets import encode_targets
from sk_fer.model_selection._check_candidates import describe_candidate
from sk_fer.model_selection._check_search import check_any_score, check_scoring_names, check_search
from sk_fer.model_selection._halving_plan import common_max_epochs, epochs_of_rungs
from sk_fer.model_selection._halving_rungs import check_name_of_score, run_rungs
from sk_fer.model_selection._journal import journal_of
from sk_fer.model_selection._refit import refit_best


class FERHalvingSearchCV(BaseSearchCV):
    """Search over parameters in which the better candidates train on, and the others stop.

    All candidates train for a few epochs. The best of them (one in `factor`) continue, from where
    they stopped, until they have trained for `factor` times as many epochs, and so on, until the
    last ones have trained for ``max_epochs`` of the classifier. The last ones have the weights
    and the scores that :class:`~sklearn.model_selection.GridSearchCV` would give them: with
    ``batched=False`` to the bit on one CPU, and otherwise up to the rounding of sums. No epoch of
    them is trained twice, unlike in :class:`~sklearn.model_selection.HalvingGridSearchCV`.

    Parameters
    ----------
    estimator : classifier of sk_fer, or Pipeline
        The classifier, alone or as the last step of a Pipeline. Its ``max_epochs`` is the number
        of epochs of the last candidates.
    param_grid : dict of str to list, or list of such dicts
        The values to try, as in GridSearchCV. ``max_epochs`` cannot be among them.
    factor : float, default=3
        The share of the candidates that continue is ``1 / factor``, and they continue to `factor`
        times as many epochs. Greater than 1. A larger factor takes less time, and decides after
        fewer epochs.
    min_epochs : int, default=1
        The smallest number of epochs after which candidates are compared.
    scoring : str, callable, list, tuple or dict, default=None
        The score or scores, as in GridSearchCV. With several scores, `refit` is the name of the
        score that decides which candidates continue.
    n_jobs : int, default=None
        The number of fits at a time, as in GridSearchCV.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all images at the end, as in GridSearchCV.
    cv : int, splitter or iterable of (train, test), default=None
        The folds, as in GridSearchCV. They are the same for all candidates and numbers of epochs.
    verbose : int, default=0
        0 prints nothing. 1 shows the progress: on a terminal a bar with the number of candidates
        and fits that have finished, the best score so far and the time that is left, and a line
        for each finished candidate elsewhere. 2 prints lines on a terminal, too.
    pre_dispatch : int or str, default="2*n_jobs"
        The number of fits that are sent to the workers in advance, as in GridSearchCV.
    error_score : "raise" or float, default=nan
        The score of a fit that fails. A candidate does not continue if one of its fits failed.
    return_train_score : bool, default=False
        Whether to score the training images, too.
    batched : bool, default=True
        Whether to train several dense networks, or heads over frozen backbones, as one computation
        between two comparisons, as in :class:`FERGridSearchCV`. Their scores differ from those of
        single fits only by the rounding of sums.
    journal : str or path-like, default=None
        The folder of the journal of finished fits, as in :class:`FERGridSearchCV`. It also has the
        states of the trainings, so that a search that was stopped continues. Candidates that train
        as one computation finish together.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        The results as in GridSearchCV, a row for each candidate and each number of epochs after
        which it was scored, which is in ``n_resources``. ``iter`` counts these numbers, from 0.
    best_estimator_ : estimator
        The best candidate, fitted on all images. Only if `refit` is not False.
    best_score_ : float
        The mean score of the best candidate over the folds.
    best_params_ : dict of str to object
        The parameters of the best candidate, without ``max_epochs``.
    best_index_ : int
        The row of the best candidate in `cv_results_`. It is one that trained for all epochs,
        unless `refit` is a callable that chooses another row.
    n_resources_ : list of int
        The numbers of epochs after which the candidates are compared.
    n_candidates_ : list of int
        The number of candidates with each of these numbers of epochs.
    n_iterations_ : int
        The length of these lists.
    n_remaining_candidates_ : int
        The number of candidates that trained for all epochs.
    n_splits_ : int
        The number of folds.
    scorer_ : callable or dict of str to callable
        The scorer or scorers.
    multimetric_ : bool
        Whether there are several scores.
    refit_time_ : float
        The seconds that the fit on all images took.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    n_features_in_ : int
        The number of features of the images.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of the features, if the images have names of type str.

    See Also
    --------
    grid_search : Search with shuffled folds and groups, also by this class.
    sklearn.model_selection.GridSearchCV : Train all candidates for all epochs.

    Notes
    -----
    **Learning rate.** A candidate trains on the schedule of all epochs, which a comparison would
    cut short: a high rate looks bad before it falls. Therefore the last quarter of the epochs
    before a comparison (at least one) trains a copy, whose rate runs through the rest of the
    schedule, and whose images have their whole size. The copy is scored and dropped, and the
    candidate continues from where the copy was made. The epochs in ``n_resources`` include those
    of the copy. The rate of ``lr_schedule="plateau"`` and of skorch's ``LRScheduler`` falls
    to zero in the copy. If the rate is constant to the end, there is no copy.

    Scores after few epochs may say nothing about the final ones. On two samples of FER2013
    (``benchmarks/halving.py``: 24 dense networks, 27 epochs), their rank correlation after 3 epochs
    was 0.01 and 0.04 with the copy, -0.13 and -0.09 without it, and 0.07 and 0.16 for fits with
    a whole schedule in 3 epochs, as in scikit-learn's halving. After 9 epochs, it was 0.52 and
    0.83, 0.64 and 0.71, and 0.37 and 0.61. The winner was 1.6 and 2.2 points worse than that of
    GridSearchCV, in less than a quarter of its time, and with ``min_epochs=9`` 0.7 and 0 points
    worse, in 37 % of its time.

    **Memory.** The states of the trainings (weights, moments of the optimizer, callbacks) are in
    files in the folder of the journal, or in a temporary folder on the machine of the search, for
    which the environment variable ``TMPDIR`` selects the place. They are removed once they are not
    needed, and if one is missing or damaged, its training begins again. Their size is
    two to three times that of the weights, for each candidate and fold. They are sent to the
    workers with the fits, so that workers on other machines need no shared folder.

    **Preprocessing.** The steps of a Pipeline before the classifier are fitted once for each
    fold and each of their parameters. The results are in the temporary folder, too.

    References
    ----------
    .. [1] Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
       Optimization", AISTATS 2016: successive halving.

    Examples
    --------
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import FERHalvingSearchCV
    >>> X, y = make_faces(70, image_size=16, random_state=0)
    >>> dense = FERDenseClassifier((16,), max_epochs=9, random_state=0)
    >>> search = FERHalvingSearchCV(dense, {"lr": [1e-4, 1e-3, 1e-2]}, cv=2).fit(X, y)
    >>> search.n_candidates_, search.n_resources_
    ([3, 1], [3, 9])
    >>> sorted(search.best_params_)
    ['lr']
    """

    _describe = staticmethod(describe_candidate)  # the command has shorter names

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseSearchCV._parameter_constraints,
        # An unknown name has a message with the nearest names.
        "scoring": [str, callable, list, tuple, dict, None],
        "param_grid": [dict, list],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "min_epochs": [Interval(Integral, 1, None, closed="left")],
        "batched": ["boolean"],
        "journal": [str, PathLike, None],
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        factor: float = 3,
        min_epochs: int = 1,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        batched: bool = True,
        journal: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_grid = param_grid
        self.factor = factor
        self.min_epochs = min_epochs
        self.batched = batched
        self.journal = journal

    @_fit_context(prefer_skip_nested_validation=False)  # the estimator is validated in its fit
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Search for the best parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            The images, in any form that ``fit`` of the estimator accepts.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            The labels or soft targets. They are required.
        **params
            Parameters of ``fit`` of the estimator, of the splitter and of the scorers, such as
            `sample_weight` and `groups`, as in GridSearchCV.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        TypeError
            If the classifier is not one of sk_fer.
        ValueError
            If a candidate cannot be fitted, a score is not known or cannot be computed, or the
            folds cannot be made, or the journal is of another search; nothing is fitted then. Also
            if all candidates fail.
        """
        check_scoring_names(self.scoring)
        scorers, metric = self._get_scorers()
        if not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring)):
            check_name_of_score(self, scorers._scorers)
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        weight = params.get("sample_weight")
        metadata = None if weight is None else {"sample_weight": weight}
        data = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        context = self._init_callback_context(max_subtasks=1 + (self.refit is not False))
        context.call_on_fit_task_begin(**data)

        candidates = list(ParameterGrid(self.param_grid))
        encode_targets(y, estimator=type(self).__name__)  # raises before check_cv casts infinity
        cv = check_cv(self.cv, y, classifier=True)
        folds = check_search(
            self.estimator, candidates, X, y, cv=cv, scoring=self.scoring, **routed.splitter.split
        )
        self.n_splits_ = len(folds)
        self.n_resources_ = epochs_of_rungs(
            len(candidates),
            common_max_epochs(self.estimator, candidates),
            factor=self.factor,
            min_epochs=self.min_epochs,
        )
        names = ("return_train_score", "factor", "min_epochs")
        with journal_of(self, candidates, X, y, folds, names, params) as journal:
            results = run_rungs(self, candidates, X, y, folds, scorers, routed, context, journal)
        self._choose(results, metric)
        if self.refit:
            refit_best(self, routed.estimator.fit, data, context)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self.cv_results_ = results
        context.call_on_fit_task_end(**data)
        return self

    def _choose(self, results: dict[str, NDArray], metric: Any) -> None:
        """Set the attributes of the best candidate."""
        if self.multimetric_ and callable(self.scoring):
            self._check_refit_for_multimetric(
                {name.removeprefix("mean_test_") for name in results if "mean_test_" in name}
            )
            metric = self.refit
        if not self.refit and self.multimetric_:
            return
        if callable(self.refit):
            self.best_index_ = self._select_best_index(self.refit, metric, results)
        else:
            last = np.flatnonzero(results["iter"] == self.n_iterations_ - 1)
            scores = results[f"mean_test_{metric}"]
            check_any_score(scores[last])
            self.best_index_ = int(last[np.argsort(-scores[last], kind="stable")[0]])
            self.best_score_ = scores[self.best_index_]
        self.best_params_ = results["params"][self.best_index_]
