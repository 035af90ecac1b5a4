"""Faces in any format: find which one it is, and load it."""

import os
import warnings
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._checks import PATH, SUBSET, check_path
from sk_fer.datasets._ckplus import load_ckplus
from sk_fer.datasets._fer2013 import load_fer2013
from sk_fer.datasets._ferplus import load_ferplus
from sk_fer.datasets._find_table import find_table
from sk_fer.datasets._image_archive import is_image_archive, open_image_tree
from sk_fer.datasets._image_folder import load_image_folder

_LOADERS: dict[str, Callable[..., Any]] = {
    "fer2013": load_fer2013,
    "ferplus": load_ferplus,
    "ckplus": load_ckplus,
    "ckextended": load_ckplus,
    "image_folder": load_image_folder,
}

FORMATS = tuple(_LOADERS)


@validate_params({"path": PATH, "ferplus": [*PATH, None], **SUBSET}, skip_nested=False)
def load_faces(
    path: str | os.PathLike[str],
    *,
    subset: str = "all",
    ferplus: str | os.PathLike[str] | None = None,
    **options: Any,
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
    **options : dict
        Other parameters of the loader in the table above, for example `return_X_y`, `as_frame`
        and `on_error`, which all have, or `image_size` for images in folders.

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
    TypeError
        If no loader has one of `options`.
    ValueError
        If the file or folder cannot be read, or if the loader of its format does not have one of
        `options`.

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
    loader = _LOADERS[found]
    for name, value in options.items():
        known = {load.__name__ for load in _LOADERS.values() if name in signature(load).parameters}
        if not known:
            raise TypeError(f"load_faces() got an unexpected keyword argument {name!r}")
        if loader.__name__ not in known:
            raise ValueError(
                f"got {name}={value!r}, which is for {' and '.join(sorted(known))}, but {path} has "
                f"the format {found!r}"
            )
    files = (path,) if ferplus is None else (path, ferplus)
    bunch: Any = loader(*files, subset=subset, **options)
    if not options.get("return_X_y"):
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
