"""What the docstrings of the loaders of images share."""

from collections.abc import Callable
from textwrap import indent
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_PARAMETERS = """
image_size : int or tuple of int, default=None
    The height and width, or the side of a square, to which images are resized. If None, all
    images must have the same size.
color : bool, default=False
    Whether to keep the colours. If False, colour images become gray.
return_X_y : bool, default=False
    Whether to return ``(data, target)`` instead of a Bunch.
as_frame : bool, default=False
    Whether to return the data as a pandas DataFrame and the target as a Series. It is only
    possible for square gray images.
on_error : {"raise", "skip"}, default="raise"
    Whether a row or image that is bad is an error, or is left out and listed in `skipped`.
cache : bool or "auto", default="auto"
    Whether to store the images in one file in the data home, and to return them as a memory
    map. The file is used again as long as the image files and the parameters are the same. A
    reading that was interrupted continues where it was. "auto" is True if the images have more
    than 1 GiB.
data_home : str or path-like, default=None
    The data home of scikit-learn, see :func:`sklearn.datasets.get_data_home`.
"""

_SUBSET = """
subset : str, default="all"
    The split to return: "train", "validation" or "test", or another word for one of them such
    as "dev"; or "all".
"""

_FIELDS = """
data : ndarray of shape (n_images, n_pixels), dtype uint8, or DataFrame
    The images, as flat rows if they are gray and square. Other images keep their shape.
images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
    The images, in the same memory as `data`.
target : ndarray of shape (n_images,) of str, or Series
    The class names.
target_names : list of str
    The names that occur in the target, sorted, in the order of `classes_` after `fit`.
frame : DataFrame or None
    Data and target in one table, if `as_frame` is True.
usage : ndarray of shape (n_images,) of str, or None
    The split of each image: "train", "validation" or "test". None if there are no splits.
groups : ndarray of shape (n_images,) of str, or None
    The group of each image, see `groups_kind`.
groups_kind : str or None
    What a group is, such as "subject". None if there are no groups.
filenames : ndarray of shape (n_images,) of str
    The file of each image.
skipped : list of (int or str, str)
    Each row or file of any subset that was left out because it is bad, and the reason.
not_read : dict of str to int
    The number of files that are not images, by suffix.
DESCR : str
    The description of the data set.
"""

_LIST_FIELDS = """
missing : list of str
    The files that the list names and that do not exist.
extra : list of str
    The images that exist and that the list does not name.
duplicates : list of str
    The files that a second row names with the same label. They are returned once.
boxes : ndarray of shape (n_images, 4)
    The left, top, right and bottom edge of the face in its file. Only if the list has boxes.
left_out : dict of str to int
    The number of rows that were left out because of their labels, by label.
"""

_RETURNS = "data, target : tuple\n    Returned instead of the Bunch if `return_X_y` is True.\n"


def document_loader(function: Function) -> Function:
    """Fill the texts that the loaders share into a docstring, in place of their names in braces.

    Parameters
    ----------
    function : callable
        The loader. Its docstring may have lines ``{subset}``, ``{parameters}``, ``{fields}``,
        ``{list_fields}`` and ``{data_target}``.

    Returns
    -------
    callable
        The function with its docstring filled.
    """
    doc = function.__doc__ or ""
    texts = {
        "subset": _SUBSET,
        "parameters": _PARAMETERS,
        "fields": _FIELDS,
        "list_fields": _LIST_FIELDS,
        "data_target": _RETURNS,
    }
    for name, text in texts.items():
        for depth in ("    ", "        "):
            doc = doc.replace(f"\n{depth}{{{name}}}\n", f"\n{indent(text.strip(), depth)}\n")
    function.__doc__ = doc
    return function
