"""Scores of each class."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import accuracy_score, classification_report
from sklearn.utils import Bunch, check_consistent_length, column_or_1d

from sk_fer._utils._constraints import validate_params

_MEASURES = ["precision", "recall", "f1-score"]


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "classes": ["array-like", None],
        "labels": ["array-like", None],
    }
)
def class_report(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> Bunch:
    """Compute precision, recall and F1 of each class, and their means.

    In contrast to :func:`sklearn.metrics.classification_report`, the means are over the classes
    that have images, and the report names classes without images and classes that the classifier
    does not know. Test images often lack a rare expression such as contempt.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        The labels of the images.
    y_pred : array-like of shape (n_samples,)
        The predicted labels.
    classes : array-like of shape (n_classes,), default=None
        The ``classes_`` of the classifier. If None, the predicted labels and those of the images.
    labels : array-like of shape (n_labels,), default=None
        The order of the classes, such as the `target_names` that the loaders return. Classes that
        are not in it come after them, in ascending order.

    Returns
    -------
    report : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes

        accuracy : float
            The share of the images that are predicted right.
        table : DataFrame
            One row per class, with the columns ``precision``, ``recall``, ``f1-score`` and
            ``support``, the number of images. The scores of a class without images are NaN.
        means : dict of str to float
            The means of precision, recall and F1 over the classes that have images.
        scores : dict
            The accuracy and the ``output_dict`` of
            :func:`~sklearn.metrics.classification_report`, for the classes that have images.
        absent : list
            The classes without images.
        unknown : list
            The classes that have images but are not in `classes`. Their images count as wrong.

    Raises
    ------
    ValueError
        If there are no images, or `y_true` and `y_pred` differ in length.

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : Plot which classes are predicted for which.
    sk_fer.model_selection.compare : Tabulate the scores of several classifiers.

    Examples
    --------
    >>> from sk_fer.inspection import class_report
    >>> report = class_report(
    ...     ["happy", "happy", "sad", "fear"],
    ...     ["happy", "sad", "sad", "sad"],
    ...     classes=["angry", "happy", "sad"],
    ... )
    >>> report.table.loc["happy"].to_dict()
    {'precision': 1.0, 'recall': 0.5, 'f1-score': 0.6666666666666666, 'support': 2.0}
    >>> report.accuracy, report.absent, report.unknown
    (0.5, ['angry'], ['fear'])
    """
    import pandas as pd

    labels_true: NDArray = column_or_1d(y_true)
    labels_pred: NDArray = column_or_1d(y_pred)
    check_consistent_length(labels_true, labels_pred)
    if not len(labels_true):
        raise ValueError("got no images, expected one at least")
    seen = set(labels_true.tolist())
    known = set(labels_pred.tolist()) | seen if classes is None else set(_listed(classes))
    given = [] if labels is None else _listed(labels)
    names = [name for name in given if name in known | seen]
    names += sorted((known | seen) - set(names))
    present = [name for name in names if name in seen]
    report: dict[str, Any] = classification_report(
        labels_true, labels_pred, labels=present, output_dict=True, zero_division=0
    )
    accuracy = accuracy_score(labels_true, labels_pred)
    table = pd.DataFrame(
        [report[str(name)] if name in seen else {"support": 0} for name in names],
        pd.Index(names, name="class"),
        [*_MEASURES, "support"],
    )
    return Bunch(
        accuracy=accuracy,
        table=table.astype({"support": int}),
        means={measure: report["macro avg"][measure] for measure in _MEASURES},
        scores={"accuracy": accuracy, **report},
        absent=[name for name in names if name not in seen],
        unknown=[name for name in present if name not in known],
    )


def _listed(values: ArrayLike) -> list[Any]:
    array: NDArray = column_or_1d(values)
    return array.tolist()
