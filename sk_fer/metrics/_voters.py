"""The agreement of predictions with people who labelled the images."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length, column_or_1d

from sk_fer._utils._constraints import validate_params
from sk_fer.estimators._targets import encode_targets
from sk_fer.metrics._probabilities import places


@validate_params(
    {"y_true": ["array-like"], "y_pred": ["array-like"], "classes": ["array-like", None]}
)
def voter_agreement(
    y_true: ArrayLike, y_pred: ArrayLike, *, classes: ArrayLike | None = None
) -> float:
    """Compute the mean share of the voters who chose the predicted class.

    It is the probability that a random voter agrees with the prediction for a random image. A
    prediction that many voters share counts more than one that nobody shares, even if both
    differ from the majority.

    Parameters
    ----------
    y_true : array-like of shape (n_samples, n_classes) or (n_samples,)
        The share of each class in the votes for each image, such as the `votes` that
        :func:`~sk_fer.datasets.load_ferplus` returns with ``target="both"``. The sum of each row
        is 1. Labels count as the vote of one person, so that the result is the accuracy.
    y_pred : array-like of shape (n_samples,)
        The predicted labels. A label that is not among the classes has no votes.
    classes : array-like of shape (n_classes,), default=None
        The class of each column of `y_true`, such as the `votes_names` of the loader. If None, the
        names of the columns of a DataFrame, or 0, 1, 2... for an array, as in the classes of a
        classifier that was fitted on such an array.

    Returns
    -------
    agreement : float
        The mean share from 0 to 1. The largest possible value is below 1 if voters disagree: it is
        the mean of the largest share of each image.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, if the rows of `y_true` are not shares, or if only one
        of `y_pred` and `classes` contains strings.

    See Also
    --------
    sklearn.metrics.accuracy_score : The share of the images with the right predicted label.
    sk_fer.datasets.load_ferplus : Load the votes of ten people for each image of FER2013.

    Examples
    --------
    >>> from sk_fer.metrics import voter_agreement
    >>> votes = [[0.6, 0.4, 0.0], [0.1, 0.0, 0.9]]
    >>> agreement = voter_agreement(votes, ["sad", "sad"], classes=["fear", "sad", "surprise"])
    >>> round(agreement, 3)
    0.2
    """
    import pandas as pd

    if classes is not None and np.ndim(y_true) == 2:
        names, n_columns = column_or_1d(classes), np.shape(y_true)[1]
        if n_columns != len(names):
            raise ValueError(f"y_true has {n_columns} columns, but there are {len(names)} classes")
        y_true = pd.DataFrame(np.asarray(y_true), columns=names)
    known, encoded = encode_targets(y_true, estimator="voter_agreement", name="y_true")
    predicted: NDArray = column_or_1d(y_pred)
    check_consistent_length(encoded, predicted)
    first = predicted.tolist()[0]
    if isinstance(first, str) != isinstance(known.tolist()[0], str):
        raise ValueError(
            f"y_pred has the label {first!r}, but the classes of y_true are "
            f"{known.tolist()}; pass classes="
        )
    columns = places(predicted, known)
    if encoded.ndim == 1:
        return float((columns == encoded).mean())
    shares = np.take_along_axis(encoded, columns[:, np.newaxis], axis=1)[:, 0]
    return float(np.where(columns >= 0, shares, 0).mean(dtype=np.float64))
