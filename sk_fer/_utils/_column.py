"""One column of cells from a list, an array or a table."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any


def as_column(X: Any, expected: str, column: str | None = None) -> Any:
    """Find the column that contains the cells.

    Parameters
    ----------
    X : list, ndarray, Series or DataFrame
        The cells, as a sequence, as an array or DataFrame with one column, or as a DataFrame
        with the column `column`; of pandas, polars or pyarrow. Spaces around column names are
        ignored.
    expected : str
        A description of the cells for messages.
    column : str, default=None
        The name of the column in a DataFrame with several columns.

    Returns
    -------
    cells : sequence, ndarray or Series
        The cells, one-dimensional, with at least one cell.

    Raises
    ------
    ValueError
        If there is no such column, or no cell.
    """
    if isinstance(X, str | bytes | Mapping | Set) or not hasattr(X, "__len__"):
        raise ValueError(
            f"got X of type {type(X).__name__}, expected a list or column of {expected}"
        )
    if hasattr(X, "columns"):  # in a pyarrow table, these are the columns, not their names
        X = X[_find_name(list(getattr(X, "column_names", X.columns)), expected, column)]
    elif getattr(X, "ndim", 1) == 2 and X.shape[1] == 1:
        X = X[:, 0]
    elif getattr(X, "ndim", 1) != 1:
        raise ValueError(f"got X of shape {X.shape}, expected one column of {expected}")
    if hasattr(X, "to_pylist"):  # a column of pyarrow, whose cells are not str
        X = X.to_pylist()
    if not len(X):
        raise ValueError(f"got X with 0 rows, expected at least one of {expected}")
    return X


def _find_name(names: list[Any], expected: str, column: str | None) -> Any:
    matching = [name for name in names if column is not None and str(name).strip() == column]
    if len(matching) == 1 or len(names) == 1:
        return (matching or names)[0]
    hint = f"one named {column!r}" if column is not None else "only one"
    raise ValueError(f"got X with the columns {names}, expected {hint} with {expected}")
