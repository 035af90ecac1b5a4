"""AffectNet: the largest set of faces from the web that people labelled."""

import os
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._checks import HOW_TO_SKIP, IMAGES, PATH, SUBSET
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, Entry, check_classes, load_entries
from sk_fer.datasets._find_list import find_list, find_lists
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._label_list import MOST_MISSING, ListForm, list_entries
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._list_rows import open_list
from sk_fer.datasets._names import expression_of, subset_of

CODES = (
    *("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
    *("none", "uncertain", "no face"),
)
"""The class names in the order of their codes, from 0."""

NO_EXPRESSION = CODES[8:]

LISTS = ("training.csv", "validation.csv")
_KAGGLE = "labels.csv"
_ANNOTATION = re.compile(r"(.+)_exp\.npy")


@document_loader
@validate_params(
    {"path": PATH, "leave_out": [list, tuple], "crop": ["boolean"], **SUBSET, **IMAGES}
)
def load_affectnet(
    path: str | os.PathLike[str],
    *,
    leave_out: Sequence[str] = NO_EXPRESSION,
    crop: bool = True,
    subset: str = "all",
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load AffectNet: about 290,000 labelled faces from the web, eight expressions.

    Parameters
    ----------
    path : str or path-like
        A folder in one of three forms:

        - ``training.csv`` and ``validation.csv`` with the columns subDirectory_filePath, face_x,
          face_y, face_width, face_height and expression, and the images in any folder;
        - ``train_set/images/0.jpg`` with ``train_set/annotations/0_exp.npy``, and ``val_set``;
        - the class folders of Kaggle with ``labels.csv``, whose labels are used. It has no splits.
    leave_out : sequence of str, default=("none", "uncertain", "no face")
        The classes that are left out. ``("none", "uncertain", "no face", "contempt")`` is the
        protocol of seven classes.
    crop : bool, default=True
        Whether to crop the images to the boxes in the lists. If False, images are returned
        whole, for a copy whose images are cropped already. Only the first form has boxes.
    {subset}
    {parameters}

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        {fields}
        valence, arousal : ndarray of shape (n_images,) of float
            The valence and arousal from -1 to 1. Only for the lists.
        {list_fields}
    {data_target}

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If the folder has none of these forms; if a row, box or image is bad; if a class has no
        images; if more than 1 % of the files are missing; or if the sizes differ and `image_size`
        is None.

    See Also
    --------
    load_labelled_images : Load images with any other list.

    Notes
    -----
    The code of AffectNet is 0 neutral, 1 happy, 2 sad, 3 surprise, 4 fear, 5 disgust, 6 angry,
    7 contempt, 8 none, 9 uncertain, 10 no face. The official protocol trains on 287,651 faces and
    reports the accuracy on 4,000 validation faces, 500 of each class, because the test split is
    not public. With seven classes, these are 283,901 and 3,500 faces. Papers that choose the epoch
    on the validation split report an accuracy that is too high. The training split is
    imbalanced (47 % happy) and the validation split is not. The persons are not known.

    In the copy on Kaggle, the folder and the label of many images differ. The label is used, and a
    warning says how many differ.

    The images take much memory: 287,651 at 224 x 224 pixels in colour have 43 GB. With
    ``cache="auto"``, they are a memory map, which all classifiers can be fitted on.

    References
    ----------
    .. [1] A. Mollahosseini, B. Hasani and M. H. Mahoor, "AffectNet: A database for facial
       expression, valence, and arousal computing in the wild", IEEE Transactions on Affective
       Computing, 2017.

    Examples
    --------
    >>> from sk_fer.datasets import load_affectnet
    >>> faces = load_affectnet("AffectNet", image_size=112)  # doctest: +SKIP
    >>> faces.target_names  # doctest: +SKIP
    ['angry', 'contempt', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise']
    """
    unknown = [name for name in leave_out if name not in CODES]
    if unknown:
        raise ValueError(f"got leave_out={leave_out!r}, expected some of {', '.join(CODES)}")
    names = {code: None if name in leave_out else name for code, name in enumerate(CODES)}
    return load_entries(
        partial(_find, names=names, crop=crop, on_error=on_error),
        path,
        "affectnet",
        subset=subset,
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )


def _find(tree: ImageTree, *, names: dict[int, str | None], crop: bool, on_error: str) -> Entries:
    root = Path(tree.root)
    lists = sorted(find_lists(root, LISTS.__contains__))
    kaggle = find_list(root, _KAGGLE.__eq__, _KAGGLE)
    if any(map(is_affectnet_list, lists)):
        entries = _listed(tree, lists, names, crop, on_error)
    elif kaggle is not None and is_kaggle_list(kaggle):
        entries = _labelled(tree, kaggle, names, on_error)
    else:
        entries = _annotated(tree, names, on_error)
    return check_classes(entries, on_error)


def is_affectnet_list(path: Path) -> bool:
    """Return whether a file is a list of AffectNet."""
    return {"subdirectory_filepath", "expression"} <= _columns_of(path)


def is_kaggle_list(path: Path) -> bool:
    """Return whether a file is the list of Kaggle's copy of AffectNet."""
    return {"pth", "label"} <= _columns_of(path)


def _columns_of(path: Path) -> set[str]:
    try:
        with open_list(path) as (first, _):
            return {name.lower() for name in first}
    except (OSError, ValueError):
        return set()


def _listed(
    tree: ImageTree, lists: list[Path], names: dict[int, str | None], crop: bool, on_error: str
) -> Entries:
    box = {"left": "face_x", "top": "face_y", "width": "face_width", "height": "face_height"}
    form = ListForm(
        path="subDirectory_filePath",
        label="expression",
        box=box if crop else None,
        more={"valence": "valence", "arousal": "arousal"},
        usage_of_list=lambda path: subset_of(path.stem),
        anywhere=True,
    )
    return list_entries(tree, lists, form, LabelNames(names), on_error=on_error)


def _labelled(tree: ImageTree, table: Path, names: dict[int, str | None], on_error: str) -> Entries:
    words: dict[str, str | None] = {name: name for name in names.values() if name}
    words.update(dict.fromkeys(set(CODES) - set(words)))
    form = ListForm(path="pth", label="label", anywhere=True)
    entries = list_entries(tree, [table], form, LabelNames(words), on_error=on_error)
    differ = [
        row.file.path
        for row in entries.rows
        if row.file.folders and expression_of(row.file.folders[-1]) not in (None, row.label)
    ]
    if differ:
        warnings.warn(
            f"{table}: {len(differ)} of {len(entries.rows)} images are in the folder of another "
            f"class than their label, the first: {differ[0]}; the label is used",
            stacklevel=6,
        )
    return entries


def _annotated(tree: ImageTree, names: dict[int, str | None], on_error: str) -> Entries:
    """Find the images that have a file with their code in a folder beside theirs."""
    label_of = LabelNames(names)
    codes = _annotations(Path(tree.root))
    if not codes:
        raise ValueError(
            f"{tree.root}: found none of {', '.join(LISTS)}, {_KAGGLE} and files such as "
            "annotations/0_exp.npy, of which AffectNet has one"
        )
    rows: list[Entry] = []
    extra: list[str] = []
    skipped: list[tuple[str, str]] = []
    left_out: Counter[str] = Counter()
    for file in tree.images:
        above, stem = file.folders[:-1], os.path.splitext(file.name)[0]
        annotation = codes.pop((*above, stem), None)
        if annotation is None:
            extra.append(file.place)
            continue
        try:
            code = _read_code(annotation)
            label = label_of(code)
        except ValueError as error:
            if on_error == "raise":
                raise ValueError(f"{annotation}: {error}; {HOW_TO_SKIP}") from error
            skipped.append((file.path, f"{annotation}: {error}"))
            continue
        if label is None:
            left_out[CODES[int(code)]] += 1
        else:
            usage = next(filter(None, map(subset_of, reversed(above))), None)
            rows.append(Entry(file, label, usage))
    missing = [str(path) for path in codes.values()]
    n_most = 0 if not rows else MOST_MISSING * len(rows)
    for count, what, first, is_error in (
        (len(missing), "annotations have no image", missing, len(missing) > n_most),
        (len(extra), "images have no annotation", extra, not rows),
    ):
        message = f"{tree.root}: {count} {what}, the first: {first[0] if first else ''}"
        if count and is_error and (on_error == "raise" or not rows):
            raise ValueError(f"{message}; {HOW_TO_SKIP}")
        if count:
            warnings.warn(message, stacklevel=6)
    if not rows:
        raise ValueError(f"{tree.root}: no image is used, left out: {dict(left_out)}")
    fields = {"missing": missing, "extra": extra, "duplicates": [], "left_out": dict(left_out)}
    return Entries(
        tree.root,
        rows,
        label_of.target_names,
        skipped=list(skipped),
        not_read=dict(tree.not_read),
        fields=fields,
    )


def _annotations(root: Path) -> dict[tuple[str, ...], Path]:
    """Return the files with a code by the folders above theirs and the name of the image."""
    found = {}
    for folder, _, names in os.walk(root):
        if os.path.basename(folder).lower() == "annotations":
            above = Path(folder).relative_to(root).parts[:-1]
            for name in names:
                match = _ANNOTATION.fullmatch(name)
                if match:
                    found[(*above, match[1])] = Path(folder, name)
    return found


def _read_code(path: Path) -> str:
    try:
        values = np.load(path, allow_pickle=False)
    except Exception as error:  # on damaged files NumPy raises nearly anything
        raise ValueError(f"not a readable NumPy file, {error!s:.200}") from error
    if values.size != 1:
        raise ValueError(f"expected one code, got an array of shape {values.shape}")
    return str(values.item())
