"""Which split each image of a folder belongs to."""

import re
import warnings
from collections.abc import Sequence

import numpy as np

from sk_fer.datasets._image_tree import ImageFile
from sk_fer.datasets._names import subset_of

_PREFIX = re.compile("(Training|PublicTest|PrivateTest)_", re.IGNORECASE)


def splits_of(files: Sequence[ImageFile], root: str) -> np.ndarray | None:
    """Return the split of each image, None where the folder has no splits.

    The nearest folder above the class folder that is named after a split decides. Where no folder
    is, the beginning of the file's name does, such as ``PublicTest_``. It also tells apart the two
    splits that the folder ``test`` of FER2013's release as images contains.

    Parameters
    ----------
    files : sequence of ImageFile
        The images that were read.
    root : str
        The folder that they are from, for the messages.

    Returns
    -------
    usage : ndarray of shape (n_files,) of str, or None
        "train", "validation" or "test".

    Raises
    ------
    ValueError
        If some images are in a split and others are not.
    """
    by_folder = [_split_of_folders(file.folders[:-1]) for file in files]
    by_name = [_split_of_name(file.name) for file in files]
    if not any(by_folder):
        splits = _complete(files, by_name)
        if splits is None:
            _warn_of_folders_above(files, root)
        return splits
    splits = _complete(files, by_folder)
    assert splits is not None  # one at least has a split
    names = np.array([name or "" for name in by_name])
    in_test = splits == "test"
    if "validation" not in splits and np.isin(names[in_test], ["validation", "test"]).all():
        splits = np.where(in_test, names, splits)
    differ = np.flatnonzero((names != "") & (names != splits))
    if len(differ):
        first = files[differ[0]].path
        warnings.warn(
            f"{root}: the names of {len(differ)} file(s) begin with another split than that of "
            f"their folder, the first: {first}; the folder's is taken",
            stacklevel=5,
        )
    return splits


def _split_of_folders(folders: tuple[str, ...]) -> str | None:
    return next(filter(None, map(subset_of, reversed(folders))), None)


def _split_of_name(name: str) -> str | None:
    found = _PREFIX.match(name)
    return subset_of(found[1]) if found else None


def _complete(files: Sequence[ImageFile], splits: list[str | None]) -> np.ndarray | None:
    """Return the splits as an array, None if there are none; refuse some without others."""
    known = next((file for file, split in zip(files, splits, strict=True) if split), None)
    if known is None:
        return None
    stray = next((file for file, split in zip(files, splits, strict=True) if not split), None)
    if stray is None:
        return np.array(splits)
    above = "/".join(stray.folders[:-1])
    named = f", its folder {above!r} is named after none" if above else ""
    raise ValueError(
        f"{stray.path} is in no split{named}, but {known.path} is; expected folders named train, "
        "validation or test, or after another word for a split such as val, dev or training_set"
    )


def _warn_of_folders_above(files: Sequence[ImageFile], root: str) -> None:
    above = sorted({"/".join(file.folders[:-1]) for file in files})
    if len(above) > 1:
        named = ", ".join(repr(folder) for folder in above[:6])
        warnings.warn(
            f"{root}: the class folders lie in several folders ({named}{', ...' * (len(above) > 6)}"
            "), which are named after no split such as train or test; their images are taken as "
            "one set",
            stacklevel=5,
        )
