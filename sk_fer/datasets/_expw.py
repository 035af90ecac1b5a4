"""ExpW: faces in images from the web, with the box of each face."""

import os
from numbers import Real
from pathlib import Path

from sklearn.utils import Bunch

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer.datasets._checks import IMAGES, PATH
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, check_classes, load_entries
from sk_fer.datasets._find_list import find_list
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._label_list import ListForm, list_entries
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._names import FER2013_EXPRESSIONS

LIST = "label.lst"


@document_loader
@validate_params(
    {"path": PATH, "min_confidence": [Interval(Real, 0, None, closed="left")], **IMAGES}
)
def load_expw(
    path: str | os.PathLike[str],
    *,
    min_confidence: float = 0,
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load ExpW: 91,793 faces in 106,962 images from the web, seven expressions.

    Parameters
    ----------
    path : str or path-like
        A folder with the file ``label.lst`` and with the images, in any folders below it.
    min_confidence : float, default=0
        The lowest confidence of the face detection of the faces to return. Boxes with a confidence
        below about 20 often contain no face.
    {parameters}

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        {fields}
        confidence : ndarray of shape (n_images,) of float
            The confidence of the face detection.
        {list_fields}
    {data_target}

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there is no list; if a row, box or image is bad; if a class has no images; if more than
        1 % of the files are missing; or if `image_size` is None, unless all boxes have one size.

    See Also
    --------
    load_labelled_images : Load images with any other list.

    Notes
    -----
    A row of the list has the name of the image, the number of the face in it, the top, left, right
    and bottom edge of its box, the confidence of the detection and the code: 0 angry, 1 disgust,
    2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral. Faces are cropped to their boxes, so
    `image_size` is needed. There is no official split. `groups` are the images: several faces in
    one image are often friends in one mood, and folds drawn at random have them on both sides.
    Papers use splits of their own, and their accuracies cannot be compared.

    References
    ----------
    .. [1] Z. Zhang, P. Luo, C. C. Loy and X. Tang, "From facial expression recognition to
       interpersonal relation prediction", IJCV 2018.

    Examples
    --------
    >>> from sk_fer.datasets import load_expw
    >>> faces = load_expw("ExpW", min_confidence=20, image_size=64)  # doctest: +SKIP
    >>> faces.groups_kind  # doctest: +SKIP
    'image'
    """

    def find(tree: ImageTree) -> Entries:
        table = find_list(Path(tree.root), LIST.__eq__, LIST)
        if table is None:
            raise ValueError(f"{tree.root}: no file {LIST} in this folder, which ExpW has")
        form = ListForm(
            path=0,
            label=7,
            box={"top": 2, "left": 3, "right": 4, "bottom": 5},
            more={"confidence": 6},
            group_of=str,
            keep=lambda numbers: numbers["confidence"] >= min_confidence,
            anywhere=True,
        )
        names = LabelNames(FER2013_EXPRESSIONS)
        entries = list_entries(tree, [table], form, names, on_error=on_error)
        entries.groups_kind = "image"
        return entries if min_confidence else check_classes(entries, on_error)

    return load_entries(
        find,
        path,
        "expw",
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )
