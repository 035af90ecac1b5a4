"""Faces in any format: find which one it is, and load it."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._layout import SIDE
from sk_fer.datasets._checks import CACHE, ON_ERROR, OUTPUT, PATH, SUBSET, check_path
from sk_fer.datasets._ckplus import load_ckplus
from sk_fer.datasets._fer2013 import load_fer2013
from sk_fer.datasets._ferplus import load_ferplus
from sk_fer.datasets._find_table import find_table
from sk_fer.datasets._image_archive import is_image_archive, open_image_tree
from sk_fer.datasets._image_folder import load_image_folder

FORMATS = ("fer2013", "ferplus", "ckplus", "ckextended", "image_folder")


@validate_params(
    {
        "path": PATH,
        "ferplus": [*PATH, None],
        "classes": ["array-like", None],
        "image_size": [tuple, list, SIDE, None],
        "color": ["boolean"],
        **SUBSET,
        **OUTPUT,
        **CACHE,
        **ON_ERROR,
    }
)
def load_faces(
    path: str | os.PathLike[str],
    *,
    subset: str = "all",
    ferplus: str | os.PathLike[str] | None = None,
    classes: Sequence[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    cache: bool = True,
    data_home: str | os.PathLike[str] | None = None,
    on_error: str = "raise",
) -> Bunch | tuple:
    """Load faces from a file or folder, in whichever of the known formats it has.

    The first of these lines that is true decides:

    ==============  ====================================================  ===================
    format          what `path` is                                        loader
    ==============  ====================================================  ===================
    "ferplus"       any table, if `ferplus` is given                      `load_ferplus`
    "ckextended"    a table whose name begins with ``ckextended``         `load_ckplus`
    "fer2013"       any other table, or a folder with a FER2013 table     `load_fer2013`
    "ckplus"        a folder where most images have names such as         `load_ckplus`
                    ``S010_004_00000017.png``
    "image_folder"  any other folder                                      `load_image_folder`
    ==============  ====================================================  ===================

    A zip or tar archive has the format of the table or else of the folder in it.

    Parameters
    ----------
    path : str or path-like
        The file or folder.
    subset : str, default="all"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest" or "dev"; or "all".
    ferplus : str or path-like, default=None
        ``fer2013new.csv``, the FER+ votes for a table of FER2013. The target is then the majority
        of the votes.
    classes : sequence of str, default=None
        The names of the class folders, as in `load_image_folder`. Only for that format.
    image_size : int or tuple of int, default=None
        The height and width, or the side of a square, to which images are resized. Only for
        class folders.
    color : bool, default=False
        Whether to keep the colours. Only for class folders.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether to return the data as a pandas DataFrame and the target as a Series.
    cache : bool, default=True
        Whether to store the arrays of a table of FER2013 in the data home.
    data_home : str or path-like, default=None
        The data home of scikit-learn, see :func:`sklearn.datasets.get_data_home`.
    on_error : {"raise", "skip"}, default="raise"
        Whether a row or image that cannot be read is an error, or is left out and listed in
        `skipped`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes `data`, `images`, `target`, `target_names`,
        `frame`, `groups`, `usage`, `filenames`, `skipped`, `not_read` and `DESCR`, which all
        loaders return, and

        format : str
            The format of `path`, a name in the table above.
    data, target : tuple
        Returned instead of the Bunch if `return_X_y` is True.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If the file or folder cannot be read, or if `classes`, `image_size` or `color` is given
        for another format than class folders.

    See Also
    --------
    load_fer2013 : Load FER2013.
    load_ferplus : Load FER2013 with the votes of FER+.
    load_ckplus : Load CK+48.
    load_image_folder : Load images in class folders.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from sk_fer.datasets import load_faces
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("anger/S010_004_00000017.png", "happy/S011_006_00000013.png"):
    ...         Path(folder, name).parent.mkdir()
    ...         Image.new("L", (48, 48)).save(Path(folder, name))
    ...     faces = load_faces(folder)
    >>> faces.format, faces.groups.tolist()
    ('ckplus', ['S010', 'S011'])
    """
    path = check_path(path)
    found = find_format(path, ferplus=ferplus)
    shared: dict[str, Any] = {
        "subset": subset,
        "return_X_y": return_X_y,
        "as_frame": as_frame,
        "on_error": on_error,
    }
    for_folders = {"classes": classes, "image_size": image_size, "color": color or None}
    given = [name for name, value in for_folders.items() if value is not None]
    if given and found != "image_folder":
        raise ValueError(
            f"got {given[0]}={for_folders[given[0]]!r}, which is for class folders, but {path} has "
            f"the format {found!r}"
        )
    bunch: Any
    if found == "ferplus":
        assert ferplus is not None
        bunch = load_ferplus(path, ferplus, cache=cache, data_home=data_home, **shared)
    elif found == "fer2013":
        bunch = load_fer2013(path, cache=cache, data_home=data_home, **shared)
    elif found == "image_folder":
        bunch = load_image_folder(
            path, classes=classes, image_size=image_size, color=color, **shared
        )
    else:
        bunch = load_ckplus(path, **shared)
    if not return_X_y:
        bunch.format = found
    return bunch


def find_format(path: Path, *, ferplus: str | os.PathLike[str] | None = None) -> str:
    """Return which of `FORMATS` a file or folder has, see `load_faces`."""
    if ferplus is not None:
        return "ferplus"
    if path.is_file() and not is_image_archive(path):
        return "ckextended" if path.name.lower().startswith("ckextended") else "fer2013"
    if path.is_dir() and find_table(path) is not None:
        return "fer2013"
    with open_image_tree(path) as tree:
        if tree.is_ckplus():
            return "ckplus"
        n_frames = sum(image.frame is not None for image in tree.images)
    if n_frames:
        warnings.warn(
            f"{path}: {n_frames} of {len(tree.images)} images are named as frames of CK+, such as "
            "S010_004_00000017, but most are not: there are no groups, and splits drawn at random "
            "have images of one person on both sides",
            stacklevel=4,
        )
    return "image_folder"
