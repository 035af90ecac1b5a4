"""Images whose labels are probably wrong."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.utils import Bunch, _safe_indexing, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import HasMethods

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer.model_selection._duplicates import find_duplicates

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "X": ["array-like"],
        "y": ["array-like"],
        "groups": ["array-like", None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    },
    skip_nested=False,
)
def find_label_issues(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cv: int = 5,
    random_state: int = 0,
) -> Bunch:
    """Find images whose labels are probably wrong.

    Each image is predicted by a clone of the classifier that was fitted on other images. The less
    probable the label of the image is, the more suspicious it is. cleanlab estimates from the
    probabilities which labels are wrong.

    Parameters
    ----------
    estimator : classifier
        A classifier with ``predict_proba``, also a Pipeline. Clones of it are fitted.
    X : array-like of shape (n_samples, ...)
        The images.
    y : array-like of shape (n_samples,)
        The labels.
    groups : array-like of shape (n_samples,), default=None
        The group of each image, such as its person. All images of a group are in one fold. If None,
        exact copies of an image are a group, because a classifier that was fitted on a copy knows
        its label. To keep near copies together, too, pass
        ``find_duplicates(X, near=0.98).group_ids``.
    cv : int, default=5
        The number of folds, each of which is predicted by another clone.
    random_state : int, default=0
        The seed of the choice of folds. The `random_state` of the classifier is not changed.

    Returns
    -------
    issues : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes

        table : DataFrame
            One row per image in the order of X, with the columns ``label``; ``predicted``, the most
            probable class; ``suspicion``, from 0 to 1, which is 1 minus the probability of the
            label; and ``is_issue``, whether cleanlab estimates that the label is wrong.
        probabilities : ndarray of shape (n_samples, n_classes)
            The probabilities that a classifier predicts which was not fitted on the image.
        classes : ndarray of shape (n_classes,)
            The class of each column of `probabilities`, in ascending order.
        summary : str
            A description of the result in a sentence.

    Raises
    ------
    ImportError
        If cleanlab is not installed: ``pip install ".[cleanlab]"``.
    ValueError
        If X, y and groups differ in length, if there are fewer than two classes or fewer groups
        than folds, if all images of a class are in one fold, or if the copies in X cannot be found
        because it does not contain numbers.

    See Also
    --------
    find_duplicates : Find copies of images, some of which have different labels.
    sk_fer.inspection.FacesDisplay : Plot images with their labels and predictions.
    sk_fer.inspection.MistakesDisplay : Plot the most confident errors of given probabilities.

    Notes
    -----
    A suspicious label is not always wrong: the image can be unusual for its class, or it can show
    several expressions. Look at the images before you leave them out.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang and I. Chuang, "Confident learning: Estimating uncertainty in
       dataset labels", Journal of Artificial Intelligence Research 70, 2021.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.model_selection import find_label_issues
    >>> X, y = make_faces(140, random_state=0)
    >>> issues = find_label_issues(GaussianNB(), X, y, cv=3)
    >>> worst = issues.table.nlargest(14, "suspicion").index
    """
    _check_installed()
    labels: NDArray = column_or_1d(y)
    check_consistent_length(X, labels, groups)
    folds = _split(labels, _copies(X) if groups is None else groups, cv, random_state)
    classes = np.unique(labels)
    probabilities = np.zeros((len(labels), len(classes)))
    for number, (train, test) in enumerate(folds, 1):
        try:
            model = clone(estimator).fit(_safe_indexing(X, train), labels[train])
            probabilities[test] = model.predict_proba(_safe_indexing(X, test))
        except Exception as error:
            error.add_note(f"The fit was that of fold {number} of {cv}.")
            raise

    return label_issues(labels, probabilities, classes)


def label_issues(labels: NDArray, probabilities: NDArray, classes: NDArray) -> Bunch:
    """Find wrong labels from the probabilities of classifiers that did not learn from the images.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The labels, each of which is in `classes`.
    probabilities : ndarray of shape (n_samples, n_classes)
        The probabilities.
    classes : ndarray of shape (n_classes,)
        The class of each column, in ascending order.

    Returns
    -------
    issues : :class:`~sklearn.utils.Bunch`
        What :func:`find_label_issues` returns.

    Raises
    ------
    ImportError
        If cleanlab is not installed.
    """
    import pandas as pd

    _check_installed()
    from cleanlab.filter import find_label_issues as find_wrong
    from cleanlab.rank import get_label_quality_scores

    encoded = np.searchsorted(classes, labels)
    table = pd.DataFrame(
        {
            "label": labels,
            "predicted": classes[probabilities.argmax(axis=1)],
            "suspicion": 1 - get_label_quality_scores(encoded, probabilities),
            "is_issue": find_wrong(encoded, probabilities, n_jobs=1),
        }
    )
    n_issues, n_labels = int(table["is_issue"].sum()), len(labels)
    accuracy = (table["predicted"] == table["label"]).mean()
    summary = (
        f"{n_issues:,} of {n_labels:,} labels ({n_issues / n_labels:.1%}) are probably wrong, if "
        f"the classifier is good: {accuracy:.1%} of its predictions are equal to the labels."
    )
    return Bunch(table=table, probabilities=probabilities, classes=classes, summary=summary)


def _check_installed() -> None:
    try:
        import cleanlab  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'find_label_issues requires cleanlab: run pip install ".[cleanlab]" in the clone of '
            "sk_fer",
            name=error.name,
        ) from error


def _copies(X: ArrayLike) -> NDArray[np.intp]:
    """Return the group of exact copies to which each image belongs."""
    try:
        return find_duplicates(X).group_ids
    except ValueError as error:
        error.add_note("Pass groups= if X does not contain images as numbers.")
        raise


def _split(labels: NDArray, groups: ArrayLike, cv: int, random_state: int) -> Folds:
    """Return the folds, after a check that each classifier is fitted on all classes."""
    classes, n_groups = np.unique(labels), len(np.unique(column_or_1d(groups)))
    if len(classes) < 2:
        raise ValueError(f"y has {len(classes)} class, expected two or more")
    if n_groups < cv:
        raise ValueError(f"got cv={cv}, but the images are in {n_groups} groups only")
    splitter = StratifiedGroupKFold(cv, shuffle=True, random_state=random_state)
    folds = list(splitter.split(labels, labels, groups))
    for train, _ in folds:
        lacking = np.setdiff1d(classes, labels[train]).tolist()
        if lacking:
            raise ValueError(
                f"all images of {lacking[0]!r} are in one fold of {cv}, so that no classifier that "
                "predicts them knows this class; leave the class out, or pass other groups"
            )
    return folds
