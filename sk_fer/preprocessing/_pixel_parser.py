"""FER2013's strings of pixels to flat images."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sk_fer._utils._pixels import parse_pixels
from sk_fer.preprocessing._base import PixelNamesMixin
from sk_fer.preprocessing._column import as_column


class PixelParser(PixelNamesMixin, TransformerMixin, BaseEstimator):
    """Read strings of pixels, as FER2013's CSV files hold them.

    Parameters
    ----------
    column : str, default="pixels"
        The column to read where X is a DataFrame of several columns. Spaces around the names
        do not matter. A DataFrame of one column may call it anything.

    Attributes
    ----------
    n_features_out_ : int
        Number of pixels in each string, learned from the first one seen in `fit`.

    See Also
    --------
    ImageReader : Reads image files.
    sk_fer.datasets.load_fer2013 : Reads the whole file, with its labels and splits.

    Notes
    -----
    X holds strings, which scikit-learn's common checks cannot make: they skip this class.

    Examples
    --------
    >>> from sk_fer.preprocessing import PixelParser
    >>> PixelParser().fit_transform(["0 10 20 30", "255 128 64 0"])
    array([[  0,  10,  20,  30],
           [255, 128,  64,   0]], dtype=uint8)

    A table straight from the CSV file, and any classifier:

    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> table = pd.DataFrame({"emotion": [3, 4], "pixels": ["0 9 9 0", "9 0 0 9"]})
    >>> model = make_pipeline(PixelParser(), LogisticRegression())
    >>> model.fit(table, table["emotion"]).predict(table)
    array([3, 4])
    """

    _parameter_constraints: dict = {"column": [str]}

    def __init__(self, column: str = "pixels") -> None:
        self.column = column

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the number of pixels from the first string.

        Parameters
        ----------
        X : list, ndarray, Series or DataFrame of str
            Integers from 0 to 255 apart by spaces, one string an image.
        y : None
            Ignored, here for scikit-learn's pipelines.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If X has no such column, no rows, or a first string that cannot be read.
        """
        self._validate_params()
        first = next(iter(self._find_strings(X)))
        pixels, _, _ = parse_pixels([first], where="X, row {row}")
        self.n_features_out_ = pixels.shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Read the strings.

        Parameters
        ----------
        X : list, ndarray, Series or DataFrame of str
            Integers from 0 to 255 apart by spaces, one string an image.

        Returns
        -------
        X_new : ndarray of shape (n, n_pixels), dtype uint8
            The pixels.

        Raises
        ------
        ValueError
            If a string cannot be read or has another number of pixels than in `fit`; the
            message names the row, counted from 0.
        """
        check_is_fitted(self)
        strings = self._find_strings(X)
        pixels, _, _ = parse_pixels(strings, self.n_features_out_, where="X, row {row}")
        return pixels

    def _find_strings(self, X: Any) -> Any:
        return as_column(X, "pixel strings", self.column)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
