"""NumPy archives of images and labels."""

from pathlib import Path
from typing import Any

import numpy as np

from sk_fer.datasets._names import SUBSETS, subset_of
from sk_fer.datasets._tables import holds_member

_IMAGES = ("pixels", "images", "image", "data", "x")
_LABELS = ("emotion", "emotions", "labels", "label", "target", "targets", "y")
_USAGE = ("usage", "split", "splits", "subset")


def is_npz(path: Path) -> bool:
    """Whether a file is a NumPy archive."""
    return path.is_file() and holds_member(path, ".npy")


def read_npz(path: Path) -> tuple[np.ndarray, list[str] | None, list[str]]:
    """Read images, labels and splits from a NumPy archive.

    The arrays are named as FER2013's columns are (pixels, emotion and usage), or X and y, images
    and labels; or each split has arrays of its own, such as x_train, y_train, x_test and y_test.

    Parameters
    ----------
    path : Path
        The archive.

    Returns
    -------
    pixels : ndarray of shape (n, h * h), dtype uint8
    labels : list of str, or None
        None if there are none.
    usage : list of str
        The name of the split of each image.

    Raises
    ------
    ValueError
        If the arrays have other names or shapes, or values that are not whole numbers from 0 to
        255.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # on damaged archives NumPy raises nearly anything
        reason = " ".join(f"{error!s:.200}".split())
        raise ValueError(f"{path}: not a readable NumPy archive, {reason}") from error
    described = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8])
    where = f"{path}: contains the arrays {described}"
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        role, split = _role_of(name)
        if role is not None:
            parts.setdefault(split, {}).setdefault(role, array)
    parts = {split: part for split, part in parts.items() if "images" in part}
    if not parts or len({"labels" in part for part in parts.values()}) != 1:
        raise ValueError(
            f"{where}; expected X and y, images and labels, or x_train, y_train and so on"
        )
    pixels, labels, usage = [], [], []
    for split, part in parts.items():
        images = _as_pixels(part["images"], where)
        pixels.append(images)
        if "labels" in part:
            labels.extend(_as_column(part["labels"], len(images), where))
        given = part.get("usage")
        if given is None:
            usage.extend([split or ("train" if "labels" in part else "test")] * len(images))
        else:
            usage.extend(_as_usage(given, len(images), where))
    if len({part.shape[1] for part in pixels}) > 1:
        raise ValueError(f"{where}; expected images of one size")
    return np.concatenate(pixels), labels or None, usage


def _role_of(name: str) -> tuple[str | None, str]:
    words = name.lower().replace("-", "_").split("_")
    for role, names in (("images", _IMAGES), ("labels", _LABELS), ("usage", _USAGE)):
        for word in words:
            if word in names:
                rest = "_".join(other for other in words if other != word)
                split = subset_of(rest) if rest else ""
                return (None, "") if split is None else (role, split)
    return None, ""


def _as_pixels(images: np.ndarray, where: str) -> np.ndarray:
    shape = images.shape
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    side = round(shape[1] ** 0.5) if len(shape) == 2 else shape[1] if len(shape) > 1 else 0
    if shape not in ((shape[0], side * side), (shape[0], side, side)) or not side:
        raise ValueError(f"{where}; expected square gray images, (n, h, h) or (n, h * h)")
    values = images.reshape(len(images), -1)
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "iufb" or not len(values):
        raise ValueError(f"{where}; expected images as numbers, got dtype {images.dtype}")
    whole = values.astype(np.uint8, casting="unsafe") if np.isfinite(values).all() else None
    if whole is None or values.min() < 0 or values.max() > 255 or (whole != values).any():
        raise ValueError(
            f"{where}; expected whole numbers from 0 to 255, got values from {values.min():g} to "
            f"{values.max():g} that are not; multiply values from 0 to 1 by 255 and round them"
        )
    return whole


def _as_column(values: np.ndarray, n_rows: int, where: str) -> list[str]:
    if values.shape not in ((n_rows,), (n_rows, 1)):
        raise ValueError(f"{where}; expected one label per image")
    return [str(value) for value in values.ravel().tolist()]


def _as_usage(values: np.ndarray, n_rows: int, where: str) -> list[str]:
    column: list[Any] = _as_column(values, n_rows, where)
    if values.dtype.kind in "iu" and np.isin(values, range(len(SUBSETS))).all():
        return [SUBSETS[int(code)] for code in column]  # FER2013's order
    return column
