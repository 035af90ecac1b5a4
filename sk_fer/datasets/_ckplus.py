"""CK+: posed expressions in a laboratory, with the subject known."""

import os
import warnings

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._layout import SIDE
from sk_fer.datasets._bunch import make_bunch
from sk_fer.datasets._checks import ON_ERROR, OUTPUT, PATH, SUBSET, check_path
from sk_fer.datasets._ckplus_original import is_of_original, last_frames, original_entries
from sk_fer.datasets._entries import Entries, check_has_images, read_entries
from sk_fer.datasets._image_archive import is_image_archive, open_image_tree
from sk_fer.datasets._image_folder import folder_entries
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._names import EXPRESSIONS
from sk_fer.datasets._pixel_csv import SIDE as IMAGE_SIDE
from sk_fer.datasets._pixel_csv import read_pixel_csv, table_faces


@validate_params(
    {
        "path": PATH,
        "frames": [StrOptions({"last3", "peak"})],
        "first_as_neutral": ["boolean"],
        "image_size": [tuple, list, SIDE, None],
        "color": ["boolean"],
        **SUBSET,
        **OUTPUT,
        **ON_ERROR,
    }
)
def load_ckplus(
    path: str | os.PathLike[str],
    *,
    frames: str = "last3",
    first_as_neutral: bool = False,
    subset: str = "all",
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
) -> Bunch | tuple:
    """Load CK+, the original data set or CK+48: frames of 327 sequences of 118 people.

    Parameters
    ----------
    path : str or path-like
        One of

        - the folder ``CK+48`` with a folder for each expression and files such as
          ``S010_004_00000017.png`` (subject, sequence, frame), or a zip or tar archive of it;
        - the folder of the original data set, with ``cohn-kanade-images/S005/001/*.png`` and
          ``Emotion/S005/001/*_emotion.txt``;
        - ``ckextended.csv``, 920 faces in FER2013's form without subjects, where 6 is neutral and
          7 contempt.
    frames : {"last3", "peak"}, default="last3"
        Which frames of each sequence to return: the last three, as in CK+48, or only the last one,
        which shows the peak of the expression. Not for a CSV file.
    first_as_neutral : bool, default=False
        Whether to return the first frame of each sequence, too, as neutral. Only for the original
        data set.
    subset : str, default="all"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest"; or "all".
    image_size : int or tuple of int, default=None
        The height and width, or the side of a square, to which images are resized. If None, those
        of CK+48 become 48 x 48, and the original images must have one size. Not for a CSV file.
    color : bool, default=False
        Whether to keep the colours. If False, colour images become gray.
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
        groups : ndarray of shape (n_images,) of str, or None
            The subject of each image, for example "S010". None for a CSV file.
        groups_kind : str or None
            "subject". None for a CSV file.
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
            The number of files in the folder that are not images, by suffix. Empty for a table.
        left_out : dict of str to int
            The number of images of the original data set that were left out, by reason.
        DESCR : str
            The description of the data set.
    data, target : tuple
        Returned instead of the Bunch if `return_X_y` is True.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If an image, label or row cannot be read, or if the name of a file does not consist of
        subject, sequence and frame.

    See Also
    --------
    load_image_folder : Load any other images in folders.
    sklearn.model_selection.StratifiedGroupKFold : Keep the images of a subject in one fold.

    Notes
    -----
    Three similar frames come from each sequence. If folds are drawn at random, training and test
    images come from the same sequences, and scores are too high: accuracies above 97 % in papers
    come from such folds, or from folds of sequences that share subjects. Split by `groups`
    instead. There is no official split; the usual protocol has ten folds of subjects.

    The code of the original data set is 0 neutral, 1 angry, 2 contempt, 3 disgust, 4 fear, 5 happy,
    6 sad, 7 surprise. A file of the last frame has it, and 266 of the 593 sequences have no
    label; they are left out. The original images show head and shoulders and are not cropped to
    the face.

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
        with open_image_tree(path) as tree:
            check_has_images(tree)
            entries, default = _find(tree, frames, first_as_neutral, on_error)
            size = default if image_size is None else image_size
            faces = read_entries(entries, image_size=size, color=color, on_error=on_error)
        if faces.usage is not None and faces.groups is not None:
            _warn_of_shared_subjects(faces.groups, faces.usage, str(path))
    else:
        given = {"frames": frames != "last3", "image_size": image_size is not None}
        for name in (name for name, is_given in given.items() if is_given):
            raise ValueError(f"got {name}=, which is for images, but {path} is a table")
        table = read_pixel_csv(path, n_classes=len(EXPRESSIONS), on_error=on_error)
        faces = table_faces(table, EXPRESSIONS)
    return make_bunch(
        faces.select(subset, path), "ckplus", return_X_y=return_X_y, as_frame=as_frame
    )


def _find(
    tree: ImageTree, frames: str, first_as_neutral: bool, on_error: str
) -> tuple[Entries, int | None]:
    """Return the images, and the size that they are resized to."""
    reason = "not named <subject>_<sequence>_<frame>, as S010_004_00000017"
    stray = [file for file in tree.images if file.frame is None]
    if stray and (on_error == "raise" or len(stray) == len(tree.images)):
        raise ValueError(f"{stray[0].path}: {reason}")
    tree.images = [file for file in tree.images if file.frame is not None]
    n_last = {"last3": 3, "peak": 1}[frames]
    original = sum(is_of_original(file) for file in tree.images) > len(tree.images) // 2
    if original:
        entries = original_entries(
            tree, n_last, first_as_neutral=first_as_neutral, on_error=on_error
        )
    elif first_as_neutral:
        raise ValueError(
            f"got first_as_neutral=True, but {tree.root} is CK+48, which has no first frames"
        )
    else:
        entries = folder_entries(tree, on_error=on_error)
        entries.rows = last_frames(entries.rows, n_last)
    entries.groups_kind = "subject"
    entries.columns = ("sequences",)
    entries.skipped += [(file.path, f"{file.path}: {reason}") for file in stray]
    entries.rows = [
        row._replace(group=row.file.frame[0], more=(row.file.frame[1],))
        for row in entries.rows
        if row.file.frame is not None
    ]
    return entries, None if original else IMAGE_SIDE


def _warn_of_shared_subjects(groups: np.ndarray, usage: np.ndarray, root: str) -> None:
    pairs = set(zip(groups.tolist(), usage.tolist(), strict=True))
    n_shared = len(pairs) - len(set(groups.tolist()))
    if n_shared:
        warnings.warn(
            f"{root}: its split folders share subjects, so that what is measured on one of them is "
            "too good; split by groups instead",
            stacklevel=5,
        )
