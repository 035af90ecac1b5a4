"""Images beside a list of their names and labels."""

import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer.datasets._checks import IMAGES, PATH, SUBSET, check_path
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, load_entries
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._label_list import ListForm, list_entries
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._list_rows import Column

_EDGES = ("left", "top", "right", "bottom")
_SIDES = ("left", "top", "width", "height")
_COLUMN: list[Any] = [str, Interval(Integral, 0, None, closed="left")]


@document_loader
@validate_params(
    {
        "root": PATH,
        "table": PATH,
        "path_column": _COLUMN,
        "label_column": _COLUMN,
        "split_column": [*_COLUMN, None],
        "group_column": [*_COLUMN, None],
        "box_columns": [Mapping, tuple, list, None],
        "names": [Mapping, "array-like", None],
        **SUBSET,
        **IMAGES,
    }
)
def load_labelled_images(
    root: str | os.PathLike[str],
    table: str | os.PathLike[str],
    *,
    path_column: Column,
    label_column: Column,
    split_column: Column | None = None,
    group_column: Column | None = None,
    box_columns: Mapping[str, Column] | Sequence[Column] | None = None,
    names: Mapping[Any, str | None] | Sequence[str] | None = None,
    subset: str = "all",
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    r"""Load images whose names and labels are in a list.

    Parameters
    ----------
    root : str or path-like
        The folder of the images, or a zip or tar archive of it.
    table : str or path-like
        The list: text with commas, semicolons, tabs, bars or spaces between the fields, plain,
        compressed or in an archive; or a Parquet or Excel file
        (``pip install ".[tables]"``).
        A path that is not absolute is looked up below `root`, too.
    path_column : str or int
        The column of the image files. A str is the name of a column. An int is its number, from 0,
        and the list may have no names of columns. The files are paths below `root` or beside the
        list. Upper and lower case does not matter, and the suffix can be left out.
    label_column : str or int
        The column of the labels.
    split_column : str or int, default=None
        The column of the splits. It contains words such as train, val or test.
    group_column : str or int, default=None
        The column of the groups, for example of the persons.
    box_columns : mapping of str to (str or int), or sequence of four, default=None
        The columns of the box around the face, in pixels, to which the images are cropped: a
        mapping with the keys left, top, right and bottom, or left, top, width and height; or a
        sequence in the order left, top, right, bottom. Several rows may name the same image with
        other boxes.
    names : mapping of label to str or None, or sequence of str, default=None
        The class name of each label, for example ``{0: "angry", 1: "happy", 2: None}``. Rows with
        a label whose name is None are left out. A sequence has the names of the codes 0, 1 and so
        on. If None, the labels are the expressions angry, disgust, fear, happy, sad, surprise,
        neutral and contempt, also under other names such as Anger or happiness. Codes require
        `names`, because data sets differ in their codes.
    {subset}
    {parameters}

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        {fields}
        {list_fields}
    {data_target}

    Raises
    ------
    FileNotFoundError
        If there is no such folder or list.
    ValueError
        If a column is missing; if a label, box, split or group is bad; if two rows have different
        labels for the same face; if an image cannot be read; if the sizes differ and `image_size`
        is None; or if more than 1 % of the files are missing. The message names the list and the
        row. With ``on_error="skip"``, bad rows and missing files are left out.

    See Also
    --------
    load_image_folder : Load images from folders named after their classes.
    load_faces : Load a data set in any of the known formats.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from sk_fer.datasets import load_labelled_images
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("a.png", "b.png"):
    ...         Image.new("L", (48, 48)).save(Path(folder, name))
    ...     _ = Path(folder, "labels.txt").write_text("a.png 1\nb.png 0\n")
    ...     faces = load_labelled_images(
    ...         folder, "labels.txt", path_column=0, label_column=1, names=["sad", "happy"]
    ...     )
    >>> faces.images.shape, faces.target.tolist()
    ((2, 48, 48), ['happy', 'sad'])
    """
    root = check_path(root)
    form = ListForm(
        path=path_column,
        label=label_column,
        usage=split_column,
        group=group_column,
        box=_edges(box_columns),
    )
    label_names = LabelNames(names)
    table = Path(table).expanduser()
    if root.is_dir() and not table.exists() and (root / table).exists():
        table = root / table
    table = check_path(table)
    if table.is_dir():
        raise ValueError(f"{table} is a folder, expected the file of a list")

    def find(tree: ImageTree) -> Entries:
        if table.is_relative_to(tree.root):  # the list itself is read
            tree.not_read.subtract([table.suffix.lower() or table.name])
        tree.not_read += Counter()
        tree.warn_of_not_read()
        entries = list_entries(tree, [table], form, label_names, on_error=on_error)
        entries.groups_kind = "group"
        if names is not None:
            found = {row.label for row in entries.rows}
            absent = [name for name in label_names.target_names if name not in found]
            if absent:
                warnings.warn(
                    f"{table}: no image of {', '.join(absent)}, which names= has", stacklevel=5
                )
        return entries

    return load_entries(
        find,
        root,
        "labelled_images",
        subset=subset,
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )


def _edges(
    columns: Mapping[str, Column] | Sequence[Column] | None,
) -> Mapping[str, Column] | None:
    if columns is None:
        return None
    given = columns
    if not isinstance(columns, Mapping):
        columns = dict(zip(_EDGES, columns, strict=False)) if len(columns) == 4 else {}
    if set(columns) not in (set(_EDGES), set(_SIDES)) or not all(
        isinstance(column, str | Integral) for column in columns.values()
    ):
        raise ValueError(
            f"got box_columns={given!r}, expected the columns of left, top, right and bottom, or a "
            "mapping with the keys left, top, width and height"
        )
    return columns
