"""JAFFE: posed expressions of ten Japanese women."""

import os
import re

from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._checks import IMAGES, PATH
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, check_classes, load_entries
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._kdef import POSED_CODES
from sk_fer.datasets._path_pattern import pattern_entries

JAFFE_NAME = re.compile(
    r"(?:^|/)(?P<group>[A-Z]{2})\.(?P<label>AN|DI|FE|HA|NE|SA|SU)\d\.\d+(?:\.\w+)?$",
    re.IGNORECASE,
)


@document_loader
@validate_params({"path": PATH, **IMAGES})
def load_jaffe(
    path: str | os.PathLike[str],
    *,
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load JAFFE: 213 photographs of seven posed expressions of ten women.

    Parameters
    ----------
    path : str or path-like
        The folder with files such as ``KA.AN1.39.tiff``, or a zip or tar archive of it.
    {parameters}

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        {fields}
        left_out : dict of str to int
            The number of images that were left out, by reason.
    {data_target}

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If a name of a file is not that of an image of JAFFE, if an image is bad, or if a class
        has no images.

    See Also
    --------
    load_kdef : Load posed expressions of seventy people.

    Notes
    -----
    The name of a file consists of the person, the expression that she was asked to pose and its
    number, and the number of the image. `groups` are the ten persons. There is no official split.
    Folds drawn at random have each woman on both sides, and the accuracies above 95 % in papers
    come from such folds. Leave one person out instead.

    The data set is free for research that is not commercial, on an agreement with its authors, who
    do not allow it to be passed on. They also ask to report that the images are not labelled by
    what was seen in them.

    References
    ----------
    .. [1] M. Lyons, S. Akamatsu, M. Kamachi and J. Gyoba, "Coding facial expressions with Gabor
       wavelets", FG 1998.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from sk_fer.datasets import load_jaffe
    >>> with TemporaryDirectory() as folder:
    ...     for number, code in enumerate(("AN", "DI", "FE", "HA", "NE", "SA", "SU"), 39):
    ...         Image.new("L", (32, 32)).save(Path(folder, f"KA.{code}1.{number}.tiff"))
    ...     faces = load_jaffe(folder)
    >>> faces.target.tolist()[:3], faces.groups_kind, set(faces.groups.tolist())
    (['angry', 'disgust', 'fear'], 'person', {'KA'})
    """

    def find(tree: ImageTree) -> Entries:
        entries = pattern_entries(
            tree,
            JAFFE_NAME,
            POSED_CODES,
            example="KA.AN1.39.tiff",
            on_error=on_error,
            groups_kind="person",
            group_of=str.upper,
        )
        return check_classes(entries, on_error)

    return load_entries(
        find,
        path,
        "jaffe",
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )
