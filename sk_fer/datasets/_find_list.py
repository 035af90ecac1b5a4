"""The list of labels of a data set in a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sk_fer.datasets._image_tree import is_junk_folder

_DEPTH = 3


def find_list(root: Path, is_list: Callable[[str], bool], what: str) -> Path | None:
    """Return the only file in a folder, or in the folders in it, that is a list of labels.

    Parameters
    ----------
    root : Path
        The folder. Other paths, such as archives, contain no list.
    is_list : callable
        A function from the name of a file, in lower case, to whether it is the list.
    what : str
        The name of the list, for messages.

    Returns
    -------
    path : Path or None

    Raises
    ------
    ValueError
        If there are several.
    """
    found = sorted(find_lists(root, is_list))
    if len(found) > 1:
        shown = ", ".join(str(path.relative_to(root)) for path in found[:4])
        raise ValueError(f"{root}: contains several files {what} ({shown}); give the folder of one")
    return found[0] if found else None


def find_lists(root: Path, is_list: Callable[[str], bool], depth: int = _DEPTH) -> Iterator[Path]:
    """Yield the files in a folder, and in the folders in it, that are lists of labels."""
    if not root.is_dir():
        return
    with os.scandir(root) as scan:
        for entry in scan:
            if entry.is_dir():
                if depth and not is_junk_folder(entry.name):
                    yield from find_lists(Path(entry.path), is_list, depth - 1)
            elif is_list(entry.name.lower()):
                yield Path(entry.path)
