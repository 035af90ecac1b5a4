"""RAF-DB: faces from the web, each labelled by about forty people."""

import os
import re
from functools import partial
from pathlib import Path

from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._checks import IMAGES, PATH, SUBSET
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, check_classes, load_entries
from sk_fer.datasets._find_list import find_list
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._label_list import ListForm, list_entries
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._list_rows import open_list
from sk_fer.datasets._names import subset_of
from sk_fer.datasets._path_pattern import pattern_entries

LIST = "list_patition_label.txt"

BASIC = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
COMPOUND = (
    *("happily surprised", "happily disgusted", "sadly fearful", "sadly angry", "sadly surprised"),
    *("sadly disgusted", "fearfully angry", "fearfully surprised", "angrily surprised"),
    *("angrily disgusted", "disgustedly surprised"),
)
"""The class names of the two lists, in the order of their codes, from 1."""

_FOLDERS = re.compile(r"(?:^|/)(?P<usage>train|test)/(?P<label>[1-7])/[^/]+$", re.IGNORECASE)
_CODES = {str(code): name for code, name in enumerate(BASIC, 1)}


@document_loader
@validate_params(
    {
        "path": PATH,
        "labels": [StrOptions({"basic", "compound"})],
        "images": [StrOptions({"aligned", "original"})],
        **SUBSET,
        **IMAGES,
    }
)
def load_rafdb(
    path: str | os.PathLike[str],
    *,
    labels: str = "basic",
    images: str = "aligned",
    subset: str = "all",
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load RAF-DB: 15,339 faces from the web, seven expressions.

    Parameters
    ----------
    path : str or path-like
        The folder ``basic`` or ``compound``, with ``EmoLabel/list_patition_label.txt`` and
        ``Image/aligned`` or ``Image/original``, or a folder above it with one such list; or the
        folder ``DATASET`` of Kaggle with ``train/1`` to ``test/7``, or an archive of it.
    labels : {"basic", "compound"}, default="basic"
        Which of the two sets `path` is. Their lists have the same name. The set of compound
        expressions has 3,954 other faces and eleven classes such as "happily surprised", whose
        codes 1 to 7 mean something else. A list of the other set is an error.
    images : {"aligned", "original"}, default="aligned"
        Whether to return the aligned faces of 100 x 100 pixels, or the original images, which are
        not cropped and have different sizes.
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
        If there is no such folder.
    ValueError
        If the list is missing or is that of the other set, if a row or image is bad, if a class
        has no images, or if more than 1 % of the files are missing.

    See Also
    --------
    load_labelled_images : Load images with any other list.

    Notes
    -----
    The code of RAF-DB is 1 surprise, 2 fear, 3 disgust, 4 happy, 5 sad, 6 angry, 7 neutral, in
    contrast to all other data sets. The official protocol trains on 12,271 faces and tests on
    3,068. There is no validation split and no persons are known. Many papers choose the epoch
    by its accuracy on the test split, which makes that accuracy too high. Set validation images
    aside from the training split instead. The authors recommend the mean of the recalls of the
    classes, because 39 % of the faces are happy.

    References
    ----------
    .. [1] S. Li, W. Deng and J. Du, "Reliable crowdsourcing and deep locality-preserving learning
       for expression recognition in the wild", CVPR 2017.

    Examples
    --------
    >>> from sk_fer.datasets import load_rafdb
    >>> faces = load_rafdb("RAF-DB/basic")  # doctest: +SKIP
    >>> faces.images.shape  # doctest: +SKIP
    (15339, 100, 100)
    """
    return load_entries(
        partial(_find, labels=labels, images=images, on_error=on_error),
        path,
        "rafdb",
        subset=subset,
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )


def _find(tree: ImageTree, *, labels: str, images: str, on_error: str) -> Entries:
    table = find_list(Path(tree.root), LIST.__eq__, LIST)
    if table is None:
        example = f"DATASET/train/1/train_00001_aligned.jpg, and there is no {LIST}"
        entries = pattern_entries(tree, _FOLDERS, _CODES, example=example, on_error=on_error)
        return check_classes(entries, on_error)
    _check_kind(table, labels)
    tree.images = [file for file in tree.images if images in map(str.lower, file.folders)]
    if not tree.images:
        raise ValueError(f"{tree.root}: has {table.name}, but no images in a folder {images!r}")
    suffix = "_aligned" if images == "aligned" else ""
    form = ListForm(
        path=0,
        label=1,
        place_of=lambda name: f"{os.path.splitext(name)[0]}{suffix}.jpg",
        usage_of=lambda name: subset_of(name.partition("_")[0]),
        anywhere=True,
    )
    names = dict(enumerate(BASIC if labels == "basic" else COMPOUND, 1))
    entries = list_entries(tree, [table], form, LabelNames(names), on_error=on_error)
    return check_classes(entries, on_error)


def is_compound_list(table: Path) -> bool:
    """Return whether a list is that of the compound expressions, which only its codes show."""
    with open_list(table) as (first, rows):
        codes = {cells[1] for cells in (first, *rows) if len(cells) == 2}
    return bool(codes & {"8", "9", "10", "11"})


def _check_kind(table: Path, labels: str) -> None:
    """Raise a ValueError if a list is that of the other set."""
    is_compound = is_compound_list(table)
    if is_compound != (labels == "compound"):
        kind = "compound" if is_compound else "basic"
        raise ValueError(
            f"{table}: this is the list of the {kind} expressions of RAF-DB, whose codes are 1 to "
            f"{11 if is_compound else 7}; labels={kind!r} (of sk-fer: "
            f"--format {'rafdb_compound' if is_compound else 'rafdb'}) loads it"
        )
