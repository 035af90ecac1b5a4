"""Scores and costs of a classifier by the fraction of the training images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import Bunch, _safe_indexing
from sklearn.utils._param_validation import HasMethods, StrOptions

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer.metrics import SCORERS
from sk_fer.model_selection._compare import check_split
from sk_fer.model_selection._subset import stratified_subset

if TYPE_CHECKING:
    import pandas as pd

_FRACTION = Interval(Real, 0, 1, closed="right")


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "X_train": ["array-like"],
        "y_train": ["array-like"],
        "X_test": ["array-like"],
        "y_test": ["array-like"],
        "fractions": [list, tuple, np.ndarray],
        "n_repeats": [Interval(Integral, 2, None, closed="left")],
        "scoring": [StrOptions(set(SCORERS)), callable],
        "random_state": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
    },
    skip_nested=False,
)
def learning_curve(
    estimator: Any,
    X_train: ArrayLike,
    y_train: ArrayLike,
    X_test: ArrayLike,
    y_test: ArrayLike,
    *,
    fractions: Sequence[float] = (0.1, 0.25, 0.5, 1.0),
    n_repeats: int = 3,
    scoring: str | Callable[[Any, Any, Any], float] = "accuracy",
    random_state: int = 0,
    verbose: int = 0,
) -> Bunch:
    """Fit a classifier on fractions of the training images, and say which fraction is enough.

    Each fraction has the same share of the images of each class. In contrast to
    :func:`sklearn.model_selection.learning_curve`, all fits are scored on the same images, and the
    seconds and the smallest sufficient fraction are returned.

    Parameters
    ----------
    estimator : classifier
        Any classifier of scikit-learn, also a Pipeline. Clones of it are fitted.
    X_train : array-like of shape (n_train, ...)
        The images to choose from.
    y_train : array-like of shape (n_train,)
        The labels of `X_train`.
    X_test : array-like of shape (n_test, ...)
        The images to score on. If the fraction is then used, score it again on other images.
    y_test : array-like of shape (n_test,)
        The labels of `X_test`.
    fractions : sequence of float, default=(0.1, 0.25, 0.5, 1.0)
        The fractions of the training images, each above 0 and at most 1.
    n_repeats : int, default=3
        The number of fits for each fraction, at least 2. Each has another choice of images and
        another `random_state`.
    scoring : str or callable, default="accuracy"
        The name of a scorer in ``sk_fer.metrics.SCORERS``, or a function of a fitted classifier,
        images and labels. Larger scores are better.
    random_state : int, default=0
        The seed of the choice of images. It is also the `random_state` of the classifier and of
        the steps of a Pipeline in the first repeat, and is increased by one for each other repeat.
    verbose : int, default=0
        If it is greater than zero, a line is printed after each fit.

    Returns
    -------
    curve : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes

        table : DataFrame
            One row per fraction, which is the index, in ascending order, with the columns
            ``n_images``, ``score`` (the mean over the repeats), ``standard_error`` of this mean,
            and ``seconds``, the mean wall-clock time of ``fit``.
        scores : ndarray of shape (n_fractions, n_repeats)
            The score of each fit, in the order of the table.
        best_fraction : float
            The fraction with the largest mean score.
        enough : float
            The smallest fraction whose mean score is within one standard error of the best one.
        summary : str
            A description of the result in a sentence.

    Raises
    ------
    ValueError
        If a fraction is not above 0 and at most 1, or is given twice; if the numbers of images and
        labels differ; if a fit fails, with a note on its fraction.

    See Also
    --------
    stratified_subset : Choose the same share of the images of each class.
    sklearn.model_selection.LearningCurveDisplay : Plot scores against the number of images.

    Notes
    -----
    The standard error of few repeats is uncertain itself, so that the sufficient fraction can
    differ for another seed. The times depend on what else the machine does, and that of the first
    fit of a process includes the start of torch.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import learning_curve
    >>> X, y = make_faces(280, random_state=0)
    >>> curve = learning_curve(
    ...     GaussianNB(), X[:210], y[:210], X[210:], y[210:], fractions=(0.2, 0.6, 1)
    ... )
    >>> curve.table["n_images"].to_dict()
    {0.2: 42, 0.6: 128, 1.0: 210}
    >>> curve.scores.shape, curve.enough <= curve.best_fraction
    ((3, 3), True)
    """
    import pandas as pd

    shares = _check_fractions(fractions)
    check_split(X_train, y_train, X_test, y_test, caller="learning_curve")
    labels = np.asarray(y_train)
    scorer = SCORERS[scoring] if isinstance(scoring, str) else scoring
    scores, seconds = np.empty((2, len(shares), n_repeats))
    n_images = []
    for i, share in enumerate(shares):
        for repeat in range(n_repeats):
            seed = random_state + repeat
            rows = stratified_subset(labels, share, random_state=seed)
            model = _with_seed(clone(estimator), seed)
            start = perf_counter()
            try:
                model.fit(_safe_indexing(X_train, rows), labels[rows])
            except Exception as error:
                error.add_note(f"The fit was on a fraction of {share:g}, {len(rows):,} images.")
                raise
            seconds[i, repeat] = perf_counter() - start
            scores[i, repeat] = scorer(model, X_test, y_test)
            if verbose:
                print(
                    f"fraction {share:g}, {len(rows):,} images, repeat {repeat + 1} of "
                    f"{n_repeats}: score {scores[i, repeat]:.4f}, {seconds[i, repeat]:.1f} s"
                )
        n_images.append(len(rows))
    table = pd.DataFrame(
        {
            "n_images": n_images,
            "score": scores.mean(axis=1),
            "standard_error": scores.std(axis=1, ddof=1) / np.sqrt(n_repeats),
            "seconds": seconds.mean(axis=1),
        },
        pd.Index(shares, name="fraction"),
    )
    best = int(table["score"].argmax())
    least = table["score"].iloc[best] - table["standard_error"].iloc[best]
    enough = int((table["score"] >= least).argmax())
    return Bunch(
        table=table,
        scores=scores,
        best_fraction=shares[best],
        enough=shares[enough],
        summary=_summarize(table, best, enough),
    )


def _check_fractions(fractions: Sequence[float]) -> list[float]:
    """Return the fractions in ascending order."""
    listed = list(fractions)
    if not listed or not all(map(_FRACTION.is_satisfied_by, listed)):
        raise ValueError(f"got fractions={listed!r}, expected numbers above 0 and at most 1")
    if len(set(listed)) < len(listed):
        raise ValueError(f"got fractions={listed!r}, expected each fraction once")
    return sorted(map(float, listed))


def _with_seed(estimator: Any, seed: int) -> Any:
    """Set each `random_state` of an estimator and of its parts."""
    names = [
        name
        for name in estimator.get_params()
        if name == "random_state" or name.endswith("__random_state")
    ]
    return estimator.set_params(**dict.fromkeys(names, seed))


def _summarize(table: pd.DataFrame, best: int, enough: int) -> str:
    row, most = table.iloc[enough], table.iloc[best]
    error = f"one standard error ({most['standard_error']:.4f})"
    sentence = (
        f"The score with {_images(table, enough)} is {row['score']:.4f}, after "
        f"{row['seconds']:.3g} s of fit."
    )
    if enough == best:
        return f"{sentence} No smaller fraction has a score within {error} of it."
    return (
        f"{sentence} It is within {error} of the best score, which is {most['score']:.4f} with "
        f"{_images(table, best)}, after {most['seconds']:.3g} s of fit."
    )


def _images(table: pd.DataFrame, row: int) -> str:
    """Return the number of images of a fraction in words."""
    n_images, fraction = table["n_images"].iloc[row], table.index[row]
    if fraction == 1:
        return f"all {n_images:,} images"
    return f"{n_images:,} images (a fraction of {fraction:g})"
