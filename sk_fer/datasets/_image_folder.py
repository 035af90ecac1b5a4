"""Images in folders named after their classes."""

import os
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._bunch import Faces
from sk_fer.datasets._checks import HOW_TO_SKIP, IMAGES, PATH, SUBSET, check_path
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, Entry, check_has_images, load_entries, read_entries
from sk_fer.datasets._folder_splits import splits_of
from sk_fer.datasets._image_archive import open_image_tree
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._names import EXPRESSIONS, expression_of


@document_loader
@validate_params(
    {
        "path": PATH,
        "classes": ["array-like", None],
        "names": [Mapping, None],
        **SUBSET,
        **IMAGES,
    }
)
def load_image_folder(
    path: str | os.PathLike[str],
    *,
    subset: str = "all",
    classes: Sequence[str] | None = None,
    names: Mapping[Any, str | None] | None = None,
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load images from folders ``<class>/*`` or ``<split>/<class>/*``.

    Parameters
    ----------
    path : str or path-like
        The folder, or a zip or tar archive of it. The name of the folder of an image is its
        class. The nearest folder above with the name of a split, if there is one, is its split.
        BMP, GIF, JPEG, JPEG 2000, PNG, PGM, PPM, TIFF, WebP and AVIF files are read, and HEIC
        files with ``pip install ".[heic]"``, whatever their suffix. Other files are counted in
        `not_read`.
    subset : str, default="all"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest", "dev" or "FER2013Valid"; or "all".
    classes : sequence of str, default=None
        The class names of your own data, as the folders are named, in upper or lower case. If
        None, the classes are the expressions angry, disgust, fear, happy, sad, surprise, neutral
        and contempt, also under other names such as Anger or happiness.
    names : mapping of str or int to str or None, default=None
        The class of each folder, for folders that are numbers or have other names, for example
        ``{0: "angry", 1: "happy", "unclear": None}``. The images in a folder whose name is None are
        left out.
    {parameters}

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        data : ndarray of shape (n_images, n_pixels), dtype uint8, or DataFrame
            The images, as flat rows if they are gray and square. Other images keep their shape,
            because it cannot be inferred from flat rows.
        images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
            The images, in the same memory as `data`.
        target : ndarray of shape (n_images,) of str, or Series
            The class names.
        target_names : list of str
            The names that occur in the target, sorted, in the order of `classes_` after `fit`.
        frame : DataFrame or None
            Data and target in one table, if `as_frame` is True.
        usage : ndarray of shape (n_images,) of str, or None
            The split of each image: "train", "validation" or "test". None if the folder has no
            splits.
        groups, groups_kind : None
            A folder does not contain the persons in the images.
        filenames : ndarray of shape (n_images,) of str
            The file of each image.
        skipped : list of (str, str)
            Each image of any subset that was left out, and the reason.
        not_read : dict of str to int
            The number of files that are not images of a known format, by suffix. "hidden" is
            the number of files of the operating system or of other programs, such as
            ``.DS_Store``, ``Thumbs.db`` and those in ``__MACOSX``. A warning is issued if there
            are others.
        left_out : dict of str to int
            The number of images in folders whose name is None, by folder.
        DESCR : str
            The description of the data set.
    data, target : tuple
        Returned instead of the Bunch if `return_X_y` is True.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there are no images, if the name of a folder is not a class, if an image cannot be
        read, or if the sizes differ and `image_size` is None.

    See Also
    --------
    load_fer2013 : Load FER2013 from a table or from such a folder.
    load_ckplus : Load CK+48 with its subjects.

    Notes
    -----
    Other names of splits are known, such as training_set, val, dev, eval, Public_Test and
    FER2013Valid, in upper or lower case. If no folder has the name of a split, names of files that
    begin with ``Training_``, ``PublicTest_`` or ``PrivateTest_`` determine it. They also determine
    the splits in the folder ``test`` of FER2013's release as images, which contains two. In all
    other cases, the folder determines the split, and a warning is issued if the name of a file
    differs.

    Images of 16 bits are scaled from the range 0 to 65,535, and float images from 0 to 1 or 0 to
    255. Other scales are an error, for example images of 16 bits with values up to 4,095 only.
    Transparent parts become white, and the EXIF orientation is applied. Only the first frame of a
    file is read, with a warning if there are more.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from sk_fer.datasets import load_image_folder
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("train/happy/1.png", "train/Sadness/2.png", "test/happy/3.png"):
    ...         Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
    ...         Image.new("L", (48, 48)).save(Path(folder, name))
    ...     faces = load_image_folder(folder, subset="train")
    >>> faces.images.shape
    (2, 48, 48)
    >>> faces.target.tolist()
    ['sad', 'happy']
    """
    if classes is not None:
        _check_classes(classes)
    return load_entries(
        partial(folder_entries, classes=classes, names=names, on_error=on_error),
        path,
        "image_folder",
        subset=subset,
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )


def read_image_folder(
    path: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    on_error: str = "raise",
) -> Faces:
    """Read all images of a folder in gray, see `load_image_folder`."""
    with open_image_tree(check_path(path)) as tree:
        entries = folder_entries(tree, classes=classes, on_error=on_error)
        return read_entries(entries, image_size=image_size, on_error=on_error)


def folder_entries(
    tree: ImageTree,
    *,
    classes: Sequence[str] | None = None,
    names: Mapping[Any, str | None] | None = None,
    on_error: str = "raise",
) -> Entries:
    """Find the labels and splits of the images of a folder, see `load_image_folder`."""
    if classes is not None and names is not None:
        raise ValueError("got both classes= and names=, expected one of them")
    if classes is not None:
        classes = _check_classes(classes)
    label_names = None if names is None else LabelNames(names)
    tree.warn_of_not_read()
    check_has_images(tree)
    rows, skipped = [], []
    left_out: Counter[str] = Counter()
    for file in tree.images:
        folder = file.folders[-1] if file.folders else ""
        try:
            label = _label(file.path, folder, classes, label_names)
        except ValueError as error:
            if on_error == "raise":
                raise ValueError(f"{error}; {HOW_TO_SKIP}") from error
            skipped.append((file.path, str(error)))
            continue
        if label is None:
            left_out[folder] += 1
        else:
            rows.append(Entry(file, label))
    if not rows:
        reason = skipped[0][1] if skipped else f"left out: {dict(left_out)}"
        raise ValueError(
            f"{tree.root}: none of {len(tree.images)} images is good, the first: {reason}"
        )
    entries = Entries(
        tree.root,
        rows,
        classes or (label_names.target_names if label_names else EXPRESSIONS),
        skipped=skipped,
        not_read=dict(tree.not_read),
        fields={"left_out": dict(left_out)},
    )
    _warn_of_joined(entries)
    splits = splits_of([row.file for row in rows], tree.root)
    if splits is not None:
        entries.rows = [
            row._replace(usage=split) for row, split in zip(rows, splits.tolist(), strict=True)
        ]
    return entries


def _warn_of_joined(entries: Entries) -> None:
    """Warn of folders beside each other that are one class, such as ``happy`` and ``Joy``."""
    folders = defaultdict(set)
    for row in entries.rows:
        *above, folder = row.file.folders or ("",)
        folders[row.label, tuple(above)].add(folder)
    joined = {label: names for (label, _), names in folders.items() if len(names) > 1}
    if joined:
        described = "; ".join(
            f"{' and '.join(map(repr, sorted(names)))} are {label!r}"
            for label, names in sorted(joined.items())
        )
        warnings.warn(
            f"{entries.root}: several folders are one class and are joined: {described}",
            stacklevel=6,
        )


def _check_classes(classes: Sequence[str]) -> tuple[str, ...]:
    names = tuple(classes)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"got classes={classes!r}, expected the names of the class folders")
    if len(set(map(_composed, names))) < len(names):
        raise ValueError(f"got classes={classes!r}, expected each name once")
    return tuple(map(str, names))


def _composed(name: str) -> str:
    """Return a name with composed accents, which macOS stores separately from letters."""
    return unicodedata.normalize("NFC", name)


def _label(
    path: str, folder: str, classes: Sequence[str] | None, names: LabelNames | None
) -> str | None:
    if names is not None:
        try:
            return names(folder)
        except ValueError as error:
            raise ValueError(f"{path}: its folder is not a class: {error}") from None
    if classes is not None:
        named = {_composed(name): name for name in classes}
        in_any_case = {name.casefold(): named[name] for name in named}
        found = named.get(_composed(folder), in_any_case.get(_composed(folder).casefold()))
        if found is not None:
            return found
    expression = expression_of(folder)
    known = EXPRESSIONS if classes is None else classes
    if expression is None or expression not in known:
        advice = (
            "; classes= (of sk-fer: --classes) names those of your own data, and names= the "
            "class of each folder; if a list has the labels, give the folder of the whole data "
            "set, or use load_labelled_images"
            if classes is None
            else ""
        )
        raise ValueError(
            f"{path}: its folder {folder!r} is not a class; expected {', '.join(known)}{advice}"
        )
    return expression
