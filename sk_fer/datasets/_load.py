"""Faces in any format: find which one it is, and load it."""

import os
import warnings
from pathlib import Path
from typing import Any

from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._checks import PATH, SUBSET, check_path
from sk_fer.datasets._declared import DATA_SETS
from sk_fer.datasets._find_table import find_table
from sk_fer.datasets._huggingface import find_arrow_files, has_encoded_images
from sk_fer.datasets._image_archive import is_image_archive, open_image_tree
from sk_fer.datasets._names import canonical_subset

FORMATS = tuple(DATA_SETS)


@validate_params(
    {
        "path": PATH,
        "format": [StrOptions({*FORMATS, "auto"})],
        "ferplus": [*PATH, None],
        **SUBSET,
    },
    skip_nested=False,
)
def load_faces(
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    subset: str = "all",
    ferplus: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Bunch | tuple:
    """Load faces from a file or folder, in whichever of the known formats it has.

    The first of these lines that is true decides, unless `format` is given:

    ================  ==================================================  ======================
    format            what `path` is                                      loader
    ================  ==================================================  ======================
    "ferplus"         any table or folder, if `ferplus` is given          `load_ferplus`
    "ckextended"      a table whose name begins with ``ckextended``       `load_ckplus`
    "huggingface"     Parquet or Arrow files of encoded images            `load_huggingface`
    "fer2013"         any other table, or a folder with a FER2013 table   `load_fer2013`
    "ferplus"         folders such as FER2013Train with ``label.csv``     `load_ferplus`
    "rafdb_compound"  ``list_patition_label.txt`` with codes above 7      `load_rafdb`
    "rafdb"           ``list_patition_label.txt``, or Kaggle's folders    `load_rafdb`
    "affectnet"       its lists, or files ``annotations/*_exp.npy``       `load_affectnet`
    "expw"            a folder with ``label.lst`` of eight columns        `load_expw`
    "sfew"            most paths are such as ``Train/Angry/Airheads_*``   `load_sfew`
    "kdef"            most names are such as ``AF01ANS.JPG``              `load_kdef`
    "jaffe"           most names are such as ``KA.AN1.39.tiff``           `load_jaffe`
    "ckplus"          most names are such as ``S010_004_00000017.png``    `load_ckplus`
    "image_folder"    any other folder                                    `load_image_folder`
    ================  ==================================================  ======================

    A zip or tar archive has the format of the table or else of the folder in it.

    Parameters
    ----------
    path : str or path-like
        The file or folder.
    format : str, default="auto"
        The format, a name in the table above. "auto" finds it out.
    subset : str, default="all"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest" or "dev"; or "all".
    ferplus : str or path-like, default=None
        ``fer2013new.csv``, the FER+ votes for a table of FER2013. The target is then the majority
        of the votes.
    **options : dict
        Other parameters of the loader in the table above, for example `return_X_y`, `as_frame`
        and `on_error`, which all have, or `image_size` for images.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes `data`, `images`, `target`, `target_names`,
        `frame`, `groups`, `groups_kind`, `usage`, `filenames`, `skipped`, `not_read` and `DESCR`,
        which all loaders return, those of the loader of the format, and

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
    load_ckplus : Load CK+.
    load_labelled_images : Load images with any list of labels.
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
    found = find_format(path, ferplus=ferplus) if format == "auto" else format
    data_set = DATA_SETS[found]
    if data_set.takes("subset"):
        options["subset"] = subset
    elif canonical_subset(subset) != "all":
        raise ValueError(f"{path}: got subset={subset!r}, but {data_set.title} has no splits")
    for name, value in options.items():
        known = {each.loader_name for each in DATA_SETS.values() if each.takes(name)}
        if not known:
            raise TypeError(f"load_faces() got an unexpected keyword argument {name!r}")
        if not data_set.takes(name):
            raise ValueError(
                f"got {name}={value!r}, which is for {' and '.join(sorted(known))}, but {path} has "
                f"the format {found!r}"
            )
    files = (path, ferplus) if found == "ferplus" else (path,)
    bunch: Any = data_set.load(*files, **options)
    if not options.get("return_X_y"):
        bunch.format = found
    return bunch


def find_format(path: Path, *, ferplus: str | os.PathLike[str] | None = None) -> str:
    """Return which of `FORMATS` a file or folder has, see `load_faces`."""
    if ferplus is not None:
        return "ferplus"
    if path.suffix.lower() in (".parquet", ".arrow") and has_encoded_images(path):
        return "huggingface"
    if path.is_file() and not is_image_archive(path):
        return "ckextended" if path.name.lower().startswith("ckextended") else "fer2013"
    if path.is_dir() and find_table(path) is not None:
        return "fer2013"
    with open_image_tree(path) as tree:
        if not tree.images and any(map(has_encoded_images, find_arrow_files(path))):
            return "huggingface"
        for name, data_set in DATA_SETS.items():
            if data_set.recognizes is not None and data_set.recognizes(tree, path):
                return name
        n_frames = sum(image.frame is not None for image in tree.images)
    if n_frames:
        warnings.warn(
            f"{path}: {n_frames} of {len(tree.images)} images are named as frames of CK+, such as "
            "S010_004_00000017, but most are not: there are no groups, and splits drawn at random "
            "have images of one person on both sides",
            stacklevel=4,
        )
    return "image_folder"
