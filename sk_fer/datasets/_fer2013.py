"""FER2013, in each of the forms in which it is published."""

import os
from dataclasses import replace
from pathlib import Path

from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._bunch import Faces, make_bunch
from sk_fer.datasets._cache import ArrayCache
from sk_fer.datasets._checks import CACHE, ON_ERROR, OUTPUT, PATH, SUBSET, check_path
from sk_fer.datasets._csv_file import CSV_NAMES
from sk_fer.datasets._find_table import find_table, warn_of_other_tables
from sk_fer.datasets._image_archive import is_image_archive
from sk_fer.datasets._image_folder import read_image_folder
from sk_fer.datasets._names import FER2013_EXPRESSIONS
from sk_fer.datasets._pixel_csv import SIDE, PixelTable, read_pixel_csv, table_faces
from sk_fer.datasets._votes import VOTE_NAMES, read_votes


@validate_params({"path": PATH, "ferplus": [*PATH, None], **SUBSET, **OUTPUT, **CACHE, **ON_ERROR})
def load_fer2013(
    path: str | os.PathLike[str],
    *,
    subset: str = "train",
    ferplus: str | os.PathLike[str] | None = None,
    return_X_y: bool = False,
    as_frame: bool = False,
    cache: bool = True,
    data_home: str | os.PathLike[str] | None = None,
    on_error: str = "raise",
) -> Bunch | tuple:
    r"""Load FER2013: 35,887 faces of 48 x 48 gray pixels, each with one of seven expressions.

    Parameters
    ----------
    path : str or path-like
        One of

        - ``fer2013.csv`` or ``icml_face_data.csv``, all splits in one table;
        - Kaggle's ``train.csv`` (all rows are training) or ``test.csv`` (all rows are test and
          have no labels: the target is None);
        - one of these compressed by gzip, bzip2 or xz, or in a zip or tar archive, under any name;
        - the same table as a Parquet or Excel file (``pip install ".[tables]"``);
        - a NumPy archive with the arrays X and y, or pixels and emotion;
        - a folder that contains one of these;
        - the folder of the release as images, ``train/<class>/*`` and ``test/<class>/*``, or a zip
          or tar archive of it. Its ``test`` mixes two splits, which the names of its files tell
          apart.
    subset : str, default="train"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest", "dev" or "FER2013Valid"; or "all".
    ferplus : str or path-like, default=None
        ``fer2013new.csv``, the FER+ votes for the same rows. They are returned in the fields
        `ferplus` and `ferplus_names`, and the target is that of FER2013. `load_ferplus` returns
        the votes as target.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether to return the data as a pandas DataFrame and the target as a Series.
    cache : bool, default=True
        Whether to store the arrays of a CSV file in the data home. They are read from there the
        next time, unless the size, time or checksum of the file has changed.
    data_home : str or path-like, default=None
        The data home of scikit-learn, see :func:`sklearn.datasets.get_data_home`.
    on_error : {"raise", "skip"}, default="raise"
        Whether a row or image that cannot be read is an error, or is left out and listed in
        `skipped`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        data : ndarray of shape (n_images, 2304), dtype uint8, or DataFrame
            The images, as flat rows.
        images : ndarray of shape (n_images, 48, 48), dtype uint8
            The images, in the same memory as `data`. The images of a table may have another square
            size.
        target : ndarray of shape (n_images,) of str, Series, or None
            The class names.
        target_names : list of str
            The names that occur in the target, sorted, in the order of `classes_` after `fit`.
        frame : DataFrame or None
            Data and target in one table, if `as_frame` is True.
        usage : ndarray of shape (n_images,) of str
            The split of each image: "train" (Training), "validation" (PublicTest) or "test"
            (PrivateTest).
        groups : None
            FER2013 does not contain the persons in the images.
        filenames : ndarray of str or None
            The file of each image. None for a table.
        skipped : list of (int or str, str)
            Each row (counted from 1 below the header) or file of any subset that was left out,
            and the reason.
        not_read : dict of str to int
            The number of files in the folder that are not images, by suffix. Empty for a table.
        ferplus : ndarray of shape (n_images, 10), dtype uint8
            The number of votes for each of `ferplus_names`. Only if `ferplus` is given.
        DESCR : str
            The description of the data set.
    data, target : tuple
        Returned instead of the Bunch if `return_X_y` is True.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If the file is damaged, if a column is missing, if a row cannot be read, or if there is
        no row of the subset.

    See Also
    --------
    load_ferplus : Load the same images with the votes of ten people for eight classes.
    fetch_fer2013 : Download and load FER2013.
    load_image_folder : Load any other images in folders.

    Notes
    -----
    Tables are read in the forms that other programs write. They are separated by commas,
    semicolons or tabs, in UTF-8 or UTF-16. The pixels are in one column, as ``1 2 3``,
    ``[1, 2, 3]`` or ``1.0 2.0 3.0``, or in one column each. The labels are codes, such as ``3`` or
    ``3.0``, or names. The images can have other square sizes than 48 x 48, and the columns other
    names, such as label, image and split, or none. If a form is ambiguous, an error names it and
    says how to write the table instead.

    References
    ----------
    .. [1] I. J. Goodfellow et al., "Challenges in representation learning: A report on three
       machine learning contests", ICONIP 2013.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sk_fer.datasets import load_fer2013
    >>> rows = [f"{code},{'128 ' * 2304},Training" for code in (3, 4)]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "fer2013.csv")
    ...     _ = path.write_text("\n".join(["emotion,pixels,Usage", *rows]))
    ...     faces = load_fer2013(path, cache=False)
    >>> faces.images.shape
    (2, 48, 48)
    >>> faces.target.tolist()
    ['happy', 'sad']
    """
    source = check_path(path)
    fields: dict[str, list[str]] = {}
    if _is_image_release(source) and ferplus is None:
        faces = _read_folder(source, on_error)
    else:
        table = read_fer2013(source, cache=cache, data_home=data_home, on_error=on_error)
        faces = table_faces(table, FER2013_EXPRESSIONS)
        if ferplus is not None:
            faces = replace(faces, more={"ferplus": read_votes(check_path(ferplus), table, source)})
            fields["ferplus_names"] = list(VOTE_NAMES)
    return make_bunch(
        faces.select(subset, source), "fer2013", return_X_y=return_X_y, as_frame=as_frame, **fields
    )


def read_fer2013(
    path: Path, *, cache: bool, data_home: str | os.PathLike[str] | None, on_error: str
) -> PixelTable:
    """Read a CSV file of FER2013, or its images in the cache.

    Parameters
    ----------
    path : Path
        The file, or a folder that contains it.
    cache, data_home, on_error
        As in `load_fer2013`.

    Returns
    -------
    table : PixelTable
    """
    csv = find_table(path)
    if csv is None:
        raise ValueError(f"{path}: found none of the files {', '.join(CSV_NAMES)} in this folder")
    warn_of_other_tables(csv, alone=path.is_file())
    kept = ArrayCache(csv, data_home) if cache else None
    arrays = kept.load() if kept else None
    if arrays is not None:
        return PixelTable(**arrays, skipped=[])
    table = read_pixel_csv(csv, n_classes=len(FER2013_EXPRESSIONS), on_error=on_error)
    if kept and not table.skipped:
        kept.store({"pixels": table.pixels, "emotion": table.emotion, "usage": table.usage})
    return table


def _is_image_release(path: Path) -> bool:
    if path.is_file():
        return is_image_archive(path)
    return find_table(path) is None and any(child.is_dir() for child in path.iterdir())


def _read_folder(path: Path, on_error: str) -> Faces:
    return read_image_folder(
        path, classes=FER2013_EXPRESSIONS, image_size=(SIDE, SIDE), on_error=on_error
    )
