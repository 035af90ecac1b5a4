"""CK+: posed expressions in a laboratory, with the subject known."""

import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._bunch import Faces, make_bunch
from sk_fer.datasets._checks import ON_ERROR, OUTPUT, PATH, SUBSET, check_path
from sk_fer.datasets._image_archive import is_image_archive, open_image_tree
from sk_fer.datasets._image_folder import read_image_tree
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._names import EXPRESSIONS
from sk_fer.datasets._pixel_csv import SIDE, read_pixel_csv, table_faces


@validate_params({"path": PATH, **SUBSET, **OUTPUT, **ON_ERROR})
def load_ckplus(
    path: str | os.PathLike[str],
    *,
    subset: str = "all",
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
) -> Bunch | tuple:
    """Load CK+48: 981 frames from 327 sequences of 118 people, seven expressions.

    Parameters
    ----------
    path : str or path-like
        The folder ``CK+48`` with a folder for each expression and files such as
        ``S010_004_00000017.png`` (subject, sequence, frame), or a zip or tar archive of it; or
        ``ckextended.csv``, 920 faces in FER2013's form without subjects, where 6 is neutral and 7
        contempt.
    subset : str, default="all"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest"; or "all".
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether to return the data as a pandas DataFrame and the target as a Series.
    on_error : {"raise", "skip"}, default="raise"
        Whether an image or row that cannot be read is an error, or is left out and listed in
        `skipped`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        data : ndarray of shape (n_images, 2304), dtype uint8, or DataFrame
            The images, as flat rows.
        images : ndarray of shape (n_images, 48, 48), dtype uint8
            The images, in the same memory as `data`. Images of another size are resized.
        target : ndarray of shape (n_images,) of str, or Series
            The class names.
        target_names : list of str
            The names that occur in the target, sorted, in the order of `classes_` after `fit`.
        frame : DataFrame or None
            Data and target in one table, if `as_frame` is True.
        groups : ndarray of shape (n_images,) of str, or None
            The subject of each image, for example "S010". None for a CSV file.
        sequences : ndarray of shape (n_images,) of str
            The subject and sequence of each image, for example "S010_004". Not available for a
            CSV file.
        usage : ndarray of shape (n_images,) of str, or None
            The split of each image: "train", "validation" or "test". None for a folder without
            splits.
        filenames : ndarray of shape (n_images,) of str, or None
            The file of each image. None for a CSV file.
        skipped : list of (int or str, str)
            Each row (counted from 1 below the header) or file that was left out, and the
            reason.
        not_read : dict of str to int
            The number of files in the folder that are no images, by suffix. Empty for a table.
        DESCR : str
            The description of the data set.
    data, target : tuple
        Returned instead of the Bunch if `return_X_y` is True.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If an image or row cannot be read, or if the name of a file does not consist of subject,
        sequence and frame.

    See Also
    --------
    load_image_folder : Load any other images in folders.
    sklearn.model_selection.StratifiedGroupKFold : Keep the images of a subject in one fold.

    Notes
    -----
    Three similar frames come from each sequence. If folds are drawn at random, training and test
    images come from the same sequences, and scores are too high. Split by `groups` instead.

    References
    ----------
    .. [1] P. Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from sk_fer.datasets import load_ckplus
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, "anger").mkdir()
    ...     Image.new("L", (48, 48)).save(Path(folder, "anger", "S010_004_00000017.png"))
    ...     faces = load_ckplus(folder)
    >>> faces.target.tolist(), faces.groups.tolist(), faces.sequences.tolist()
    (['angry'], ['S010'], ['S010_004'])
    """
    path = check_path(path)
    if path.is_dir() or is_image_archive(path):
        faces = _read_folder(path, on_error)
    else:
        table = read_pixel_csv(path, n_classes=len(EXPRESSIONS), on_error=on_error)
        faces = table_faces(table, EXPRESSIONS)
    return make_bunch(
        faces.select(subset, path), "ckplus", return_X_y=return_X_y, as_frame=as_frame
    )


def _read_folder(path: Path, on_error: str) -> Faces:
    with open_image_tree(path) as tree:
        return _read_tree(tree, on_error)


def _read_tree(tree: ImageTree, on_error: str) -> Faces:
    reason = "not named <subject>_<sequence>_<frame>, as S010_004_00000017"
    stray = [file for file in tree.images if file.frame is None]
    if stray and (on_error == "raise" or len(stray) == len(tree.images)):
        raise ValueError(f"{stray[0].path}: {reason}")
    tree.images = [file for file in tree.images if file.frame is not None]
    faces = read_image_tree(tree, image_size=(SIDE, SIDE), on_error=on_error)
    assert faces.filenames is not None  # a folder has files
    frames = {file.path: file.frame for file in tree.images}
    groups, sequences = np.array([frames[name] for name in faces.filenames.tolist()]).T
    skipped = [(file.path, f"{file.path}: {reason}") for file in stray]
    if faces.usage is not None:
        _warn_of_shared_subjects(groups, faces.usage, tree.root)
    return replace(
        faces,
        groups=groups,
        skipped=[*faces.skipped, *skipped],
        more={"sequences": sequences},
    )


def _warn_of_shared_subjects(groups: np.ndarray, usage: np.ndarray, root: str) -> None:
    pairs = set(zip(groups.tolist(), usage.tolist(), strict=True))
    n_shared = len(pairs) - len(set(groups.tolist()))
    if n_shared:
        warnings.warn(
            f"{root}: its split folders share subjects, so that what is measured on one of them is "
            "too good; split by groups instead",
            stacklevel=5,
        )
