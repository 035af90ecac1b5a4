"""Converts array-likes of images to arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

_EXPECTED = "expected one array of images, (n, h * w), (n, h, w) or (n, h, w, c)"


def as_array(X: Any) -> Any:
    """Convert images to an array, or raise an error that says how to convert them.

    It covers the cases for which scikit-learn's messages give no explanation. scikit-learn checks
    the others.

    Parameters
    ----------
    X : array-like
        The images.

    Returns
    -------
    X : ndarray or another object with a shape
        The images. They are copied only if NumPy cannot view a tensor or a table. A table becomes a
        DataFrame of pandas with its column names, in which bytes remain uint8.

    Raises
    ------
    ValueError
        If X is not an array of numbers, or has images of different sizes.
    """
    _refuse_other_forms(X)
    if hasattr(X, "detach") and hasattr(X, "numpy"):
        X = X.detach().cpu()
        X = X.float() if X.is_floating_point() else X  # NumPy has no bfloat16
        X = X.numpy()
    if hasattr(X, "columns"):
        X = _as_numpy_table(X)
    try:
        array = X if hasattr(X, "shape") else np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"got X of type {type(X).__name__} whose rows differ in length, expected images of one "
            f"size; {_hint_for(X[0])}"
        ) from error
    kind = getattr(getattr(array, "dtype", None), "kind", "O")
    if array.shape == () or (kind == "O" and len(array.shape) == 1):
        hint = "" if array.shape in ((), (0,)) else f"; {_hint_for(np.asarray(array)[0])}"
        raise ValueError(
            f"got X of type {type(X).__name__} and shape {array.shape}, {_EXPECTED}{hint}"
        )
    if kind not in "biufcO":
        hint = _hint_for("") if kind in "US" else _EXPECTED
        raise ValueError(f"got X of dtype {array.dtype}, expected images as numbers; {hint}")
    return array


def _as_numpy_table(X: Any) -> Any:
    """Return a table as a DataFrame of pandas with uint8 columns, which scikit-learn keeps."""
    if hasattr(X, "iloc"):
        dtypes = set(X.dtypes)
        of_bytes = {getattr(dtype, "numpy_dtype", None) for dtype in dtypes} == {np.dtype("uint8")}
        return X.astype(np.uint8) if of_bytes and not X.isna().any(axis=None) else X
    values = np.asarray(X)
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        return X
    from pandas import DataFrame

    # `columns` of a pyarrow table are the columns themselves.
    return DataFrame(values, columns=list(getattr(X, "column_names", X.columns)), copy=False)


def refuse_one_image(shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> None:
    """Raise an error for a single image instead of an array of images.

    Parameters
    ----------
    shape : tuple of int
        The shape of the array.
    image_shape : tuple of int
        The shape (height, width, n_channels) of the images of the fit.

    Raises
    ------
    ValueError
        If the array has the shape of one image, and cannot be an array of several images.
    """
    height, width, n_channels = image_shape
    one = (image_shape, image_shape[:2]) if n_channels == 1 else (image_shape,)
    several = {2: (height * width * n_channels,), 3: (height, width)}
    if shape in one and shape[1:] != several.get(len(shape)):
        raise ValueError(
            f"got X of shape {shape}, which is one image; expected an array of images. "
            "X[None] is an array of this image"
        )


def _refuse_other_forms(X: Any) -> None:
    """Raise an error for objects that NumPy would convert to a useless array."""
    kind = type(X).__name__
    if isinstance(X, str | bytes | os.PathLike):
        raise ValueError(f"got X of type {kind}, {_EXPECTED}; {_hint_for(X)}")
    if isinstance(X, Mapping) and not hasattr(X, "shape"):  # one of SciPy's matrices is a dict
        keys = [name for name in ("images", "data") if name in X]
        hint = f"pass X[{keys[0]!r}], and the labels as y" if keys else "pass the array in it"
        raise ValueError(f"got X of type {kind}, {_EXPECTED}; {hint}")
    if any(base.__module__.startswith("torch.utils.data") for base in type(X).__mro__):
        raise ValueError(
            f"got X of type {kind}, {_EXPECTED}; convert data sets and loaders of torch with "
            "np.stack([np.asarray(image) for image, label in dataset])"
        )
    if isinstance(X, Iterator):
        raise ValueError(
            f"got X of type {kind}, {_EXPECTED}; np.stack(list(X)) makes an array of images"
        )
    if hasattr(X, "columns") and hasattr(X, "iloc") and len(X):
        _refuse_columns(X)


def _refuse_columns(table: Any) -> None:
    """Raise an error for a DataFrame with columns of strings, paths or arrays."""
    cells = {
        str(name): cell
        for name, cell in zip(table.columns, table.iloc[0], strict=True)
        if isinstance(cell, str | os.PathLike | np.ndarray)
    }
    if not cells:
        return
    hint = next(map(_hint_for, cells.values()))
    if len(cells) < len(table.columns):
        hint += "; remove the columns that are not pixels"
    kinds = {type(cell).__name__ for cell in cells.values()}
    raise ValueError(
        f"got X of type {type(table).__name__} with {' and '.join(sorted(kinds))} in the columns "
        f"{', '.join(list(cells)[:3])}, expected numbers; {hint}"
    )


def _hint_for(cell: Any) -> str:
    """Return how to convert cells like this one to an array."""
    if isinstance(cell, os.PathLike):
        return "ImageReader reads files"
    if isinstance(cell, str | bytes):
        return "PixelParser reads strings of pixels and ImageReader files"
    if hasattr(cell, "resize") and hasattr(cell, "getpixel"):
        return "resize the Pillow images to one size: np.stack([image.resize((48, 48)) for ...])"
    if hasattr(cell, "shape"):
        return (
            "np.stack(list(X)) makes an array of images of one size; use ImageResizer before, if "
            "the sizes differ"
        )
    if isinstance(cell, tuple):
        return "np.stack([image for image, label in X]) makes an array of pairs"
    return "np.array(list(X)) makes an array of rows of one length"
