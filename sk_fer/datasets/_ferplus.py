"""FER+: FER2013's faces with the expressions that ten people voted for."""

import os
from dataclasses import replace

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._bunch import make_bunch, subset_rows
from sk_fer.datasets._checks import CACHE, ON_ERROR, OUTPUT, PATH, SUBSET, check_path
from sk_fer.datasets._fer2013 import read_fer2013
from sk_fer.datasets._ferplus_folder import is_ferplus_folder, read_ferplus_folder
from sk_fer.datasets._names import FER2013_EXPRESSIONS
from sk_fer.datasets._pixel_csv import table_faces
from sk_fer.datasets._votes import FERPLUS_EXPRESSIONS, majority, read_votes, shares


@validate_params(
    {
        "path_fer2013": PATH,
        "path_votes": [*PATH, None],
        "target": [StrOptions({"majority", "votes", "both"})],
        **SUBSET,
        **OUTPUT,
        **CACHE,
        **ON_ERROR,
    }
)
def load_ferplus(
    path_fer2013: str | os.PathLike[str],
    path_votes: str | os.PathLike[str] | None = None,
    *,
    target: str = "majority",
    subset: str = "train",
    return_X_y: bool = False,
    as_frame: bool = False,
    cache: bool = True,
    data_home: str | os.PathLike[str] | None = None,
    on_error: str = "raise",
) -> Bunch | tuple:
    r"""Load FER+: the faces of FER2013 with eight expressions voted by ten people each.

    Parameters
    ----------
    path_fer2013 : str or path-like
        FER2013 as a table with all its splits, in any form that `load_fer2013` accepts; or a
        folder with the images, in which ``FER2013Train/fer0000000.png`` and so on are.
    path_votes : str or path-like, default=None
        The file ``fer2013new.csv``, whose rows contain the votes for the same rows of FER2013, or
        for the images that they name. If None, the votes for the images are in a file
        ``label.csv`` beside them, as the code of the authors expects.
    target : {"majority", "votes", "both"}, default="majority"
        The target.

        - "majority": class names by the rule of the authors. Single votes do not count, and more
          than half of the other votes must agree. A face without such a majority, or with a
          majority for "unknown" or "no face", is left out.
        - "votes": soft targets, the share of each expression in the votes for any expression. A
          face without a vote for an expression is left out.
        - "both": the faces and class names of "majority", and the soft targets in the field
          `votes`.
    subset : str, default="train"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest", "dev" or "FER2013Valid"; or "all".
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether to return data and target as pandas objects.
    cache : bool, default=True
        Whether to store the pixels in the data home, as in `load_fer2013`.
    data_home : str or path-like, default=None
        The data home of scikit-learn, see :func:`sklearn.datasets.get_data_home`.
    on_error : {"raise", "skip"}, default="raise"
        Whether a row of FER2013 that cannot be read is an error, or is left out and listed in
        `skipped`. A row of the votes that cannot be read is always an error.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the attributes of `load_fer2013`, and

        target : ndarray of shape (n_images,) of str, or (n_images, 8) of float32
            The class names, or the shares of `target_names` if `target` is "votes".
        target_names : list of str
            The names that occur in the target, or all eight names if `target` is "votes",
            sorted.
        votes : ndarray of shape (n_images, 8), dtype float32
            The shares of `votes_names`. Only if `target` is "both".
        votes_names : list of str
            All eight names, sorted. Only if `target` is "both".
        dropped : ndarray of int
            The rows of the subset (counted from 1 below the header) that are left out because
            of their votes. For a folder of images, an ndarray of str: the files.
    data, target : tuple
        Returned instead of the Bunch if `return_X_y` is True.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is damaged, or if the two files do not belong together because the number of
        rows or the usage of a row differs, or because images are missing.

    See Also
    --------
    load_fer2013 : Load the same images with the labels of FER2013.

    Notes
    -----
    With "majority", the whole data set has 25,060 training, 3,199 validation and 3,153 test faces.

    References
    ----------
    .. [1] E. Barsoum, C. Zhang, C. Canton Ferrer and Z. Zhang, "Training deep networks for facial
       expression recognition with crowd-sourced label distribution", ICMI 2016.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sk_fer.datasets import load_ferplus
    >>> pixels = "128 " * 2304
    >>> columns = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    >>> with TemporaryDirectory() as folder:
    ...     faces_csv = Path(folder, "fer2013.csv")
    ...     _ = faces_csv.write_text(f"emotion,pixels,Usage\n3,{pixels},Training\n")
    ...     votes_csv = Path(folder, "fer2013new.csv")
    ...     _ = votes_csv.write_text(
    ...         f"Usage,Image name,{columns}\nTraining,fer0000000.png,2,7,0,0,0,0,0,1,0,0\n"
    ...     )
    ...     faces = load_ferplus(faces_csv, votes_csv, target="both", cache=False)
    >>> faces.target.tolist()
    ['happy']
    >>> faces.votes_names[4], round(float(faces.votes[0, 4]), 2)
    ('happy', 0.7)
    """
    path_fer2013 = check_path(path_fer2013)
    if is_ferplus_folder(path_fer2013):
        faces, votes, rows = read_ferplus_folder(
            path_fer2013,
            None if path_votes is None else check_path(path_votes),
            on_error=on_error,
        )
    elif path_votes is None:
        raise ValueError(
            f"{path_fer2013}: got path_votes=None, expected the file fer2013new.csv, or a folder "
            "with FER2013Train/label.csv"
        )
    else:
        table = read_fer2013(path_fer2013, cache=cache, data_home=data_home, on_error=on_error)
        votes = read_votes(check_path(path_votes), table, path_fer2013)
        faces, rows = table_faces(table, FER2013_EXPRESSIONS), table.rows + 1

    assert faces.usage is not None  # FER2013 has splits
    in_subset = subset_rows(faces.usage, subset, path_fer2013)
    labels, soft = majority(votes), shares(votes)
    has_target = ~np.isnan(soft[:, 0]) if target == "votes" else labels >= 0
    faces = replace(
        faces,
        target=soft if target == "votes" else np.array(FERPLUS_EXPRESSIONS)[labels],
        target_names=sorted(FERPLUS_EXPRESSIONS),
        more={"votes": soft} if target == "both" else {},
    )
    fields = {"votes_names": sorted(FERPLUS_EXPRESSIONS)} if target == "both" else {}
    return make_bunch(
        faces.take(in_subset & has_target),
        "ferplus",
        return_X_y=return_X_y,
        as_frame=as_frame,
        dropped=rows[in_subset & ~has_target],
        **fields,
    )
