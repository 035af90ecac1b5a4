"""Flat images from the strings of pixels in FER2013's CSV files."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from sk_fer._utils._column import as_column
from sk_fer._utils._pixels import parse_pixels
from sk_fer.preprocessing._base import PixelNamesMixin


class PixelParser(PixelNamesMixin, TransformerMixin, BaseEstimator):
    """Convert strings of pixels, as in FER2013's CSV files, to images.

    It is the first step of a pipeline that starts from the table of such a file.

    Parameters
    ----------
    column : str, default="pixels"
        The column to read if X is a DataFrame with several columns. Spaces around the column
        names are ignored. The column of a DataFrame with one column may have any name.

    Attributes
    ----------
    n_features_out_ : int
        The number of pixels in each string, learned from the first string seen in `fit`.

    See Also
    --------
    ImageReader : Read image files.
    sk_fer.datasets.load_fer2013 : Read the whole file with its labels and splits.

    Notes
    -----
    X contains strings. The common checks of scikit-learn cannot generate such data and skip
    this class.

    Examples
    --------
    >>> from sk_fer.preprocessing import PixelParser
    >>> PixelParser().fit_transform(["0 10 20 30", "255 128 64 0"])
    array([[  0,  10,  20,  30],
           [255, 128,  64,   0]], dtype=uint8)

    The table from the CSV file can be passed to a pipeline with any classifier:

    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> table = pd.DataFrame({"emotion": [3, 4], "pixels": ["0 9 9 0", "9 0 0 9"]})
    >>> model = make_pipeline(PixelParser(), LogisticRegression())
    >>> model.fit(table, table["emotion"]).predict(table)
    array([3, 4])
    """

    _parameter_constraints: dict = {"column": [str]}

    _learned_sizes = ("n_features_out_",)

    def __init__(self, column: str = "pixels") -> None:
        self.column = column

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the number of pixels from the first string.

        Parameters
        ----------
        X : list, ndarray, Series or DataFrame of str
            One string per image: integers from 0 to 255, separated by spaces.
        y : None, default=None
            Ignored. It is there so that the transformer can be a step of a pipeline.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If X has no such column or no rows, or if the first string cannot be read.
        """
        self._validate_params()
        first = next(iter(self._find_strings(X)))
        pixels, _, _ = parse_pixels([first], where="X, row {row}")
        self.n_features_out_ = pixels.shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Convert the strings to pixels.

        Parameters
        ----------
        X : list, ndarray, Series or DataFrame of str
            One string per image: integers from 0 to 255, separated by spaces.

        Returns
        -------
        X_new : ndarray of shape (n, n_pixels), dtype uint8
            The pixels.

        Raises
        ------
        ValueError
            If a string cannot be read, or if its number of pixels differs from that in `fit`,
            or without a fit from that of the first string. The message names the row, counted
            from 0.
        """
        self._validate_params()
        strings = self._find_strings(X)
        n_pixels = getattr(self, "n_features_out_", None)
        pixels, _, _ = parse_pixels(strings, n_pixels, where="X, row {row}")
        return pixels

    def _find_strings(self, X: Any) -> Any:
        return as_column(X, "pixel strings", self.column)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags
