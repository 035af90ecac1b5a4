"""SFEW: frames of films."""

import os
import re

from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._checks import IMAGES, PATH, SUBSET
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, check_classes, load_entries
from sk_fer.datasets._image_tree import ImageFile, ImageTree
from sk_fer.datasets._names import FER2013_EXPRESSIONS
from sk_fer.datasets._path_pattern import pattern_entries

SFEW_PATH = re.compile(
    r"(?:^|/)(?P<usage>train|val|test)(?:_aligned_faces\w*)?/(?:[^/]+/)?"
    rf"(?P<label>{'|'.join(FER2013_EXPRESSIONS)})/(?P<group>[^/]+?)_\d{{6,}}_\d+\.\w+$",
    re.IGNORECASE,
)


@document_loader
@validate_params({"path": PATH, **SUBSET, **IMAGES})
def load_sfew(
    path: str | os.PathLike[str],
    *,
    subset: str = "all",
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load SFEW 2.0: frames of films, seven expressions.

    Parameters
    ----------
    path : str or path-like
        The folder with ``Train/Train_Aligned_Faces/Angry`` and so on and ``Val``, or a zip or tar
        archive of it. If some images are in folders of aligned faces, only those are used. The
        images of ``Test``, which have no labels, are left out.
    {subset}
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
        If the path of a file is not that of an image of SFEW, if an image is bad, or if a class
        has no images.

    See Also
    --------
    load_image_folder : Load any other images in folders.

    Notes
    -----
    A file is named after the film, the time and the frame, for example
    ``Airheads_000519240_00000005.png``. `groups` are the films. The official protocol trains on
    the training split and reports the accuracy on the validation split, because the labels of the
    test split are not public. Papers that also choose the epoch on the validation split report an
    accuracy that is too high. Set images aside from the training split, by film.

    References
    ----------
    .. [1] A. Dhall, R. Goecke, S. Lucey and T. Gedeon, "Static facial expression analysis in tough
       conditions: Data, evaluation protocol and benchmark", ICCV Workshops 2011.

    Examples
    --------
    >>> from sk_fer.datasets import load_sfew
    >>> faces = load_sfew("SFEW_2", subset="train")  # doctest: +SKIP
    >>> faces.groups_kind  # doctest: +SKIP
    'film'
    """

    def find(tree: ImageTree) -> Entries:
        reasons = {}
        for reason, keeps in (
            ("no label", _has_label),
            ("not aligned", _is_aligned),
        ):
            kept = [file for file in tree.images if keeps(file)]
            if kept and len(kept) < len(tree.images):
                reasons[reason] = len(tree.images) - len(kept)
                tree.images = kept
        entries = pattern_entries(
            tree,
            SFEW_PATH,
            {name: name for name in FER2013_EXPRESSIONS},
            example="Train/Train_Aligned_Faces/Angry/Airheads_000519240_00000005.png",
            on_error=on_error,
            groups_kind="film",
        )
        entries.fields["left_out"] = reasons
        return check_classes(entries, on_error)

    return load_entries(
        find,
        path,
        "sfew",
        subset=subset,
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )


def _has_label(file: ImageFile) -> bool:
    above = [folder.lower() for folder in file.folders]
    return not any(folder.startswith("test") for folder in above) or above[-1] in (
        FER2013_EXPRESSIONS
    )


def _is_aligned(file: ImageFile) -> bool:
    return any("aligned_faces" in folder.lower() for folder in file.folders)
