"""KDEF: posed expressions of seventy people, from five angles."""

import os
import re
from collections.abc import Sequence
from functools import partial

from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import validate_params
from sk_fer.datasets._checks import IMAGES, PATH
from sk_fer.datasets._documentation import document_loader
from sk_fer.datasets._entries import Entries, check_classes, load_entries
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._path_pattern import pattern_entries

POSED_CODES = {
    "af": "fear",
    "an": "angry",
    "di": "disgust",
    "fe": "fear",
    "ha": "happy",
    "ne": "neutral",
    "sa": "sad",
    "su": "surprise",
}
"""The expressions of KDEF (AF is afraid) and of JAFFE (FE is fear)."""

ANGLES = ("full left", "half left", "straight", "half right", "full right")

KDEF_NAME = re.compile(
    r"(?:^|/)(?P<session>[AB])(?P<group>[FM]\d\d)"
    r"(?P<label>AF|AN|DI|HA|NE|SA|SU)(?P<angle>FL|HL|S|HR|FR)\.\w+$",
    re.IGNORECASE,
)

_BROKEN = {
    **dict.fromkeys(
        (
            *("AF01SUFR", "AF10AFFR", "AF11NEHL", "AF20DIHL", "AM25DIFL", "AM34DIFR"),
            *("BF13NEHR", "BM21DIFL", "BM22DIHL", "BM24DIFL"),
        ),
        "the image is black",
    ),
    **dict.fromkeys(("AF31V", "AM31H"), "the name is cut off"),
}
"""The files of the release that are known to be broken, and why."""


@document_loader
@validate_params(
    {"path": PATH, "angles": [list, tuple, StrOptions(set(ANGLES) | {"all"})], **IMAGES}
)
def load_kdef(
    path: str | os.PathLike[str],
    *,
    angles: str | Sequence[str] = "straight",
    image_size: int | tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    cache: bool | str = "auto",
    data_home: str | os.PathLike[str] | None = None,
) -> Bunch | tuple:
    """Load KDEF: 4,900 photographs of seven posed expressions of seventy people.

    Parameters
    ----------
    path : str or path-like
        The folder ``KDEF`` with files such as ``AF01/AF01ANS.JPG``, or a folder above it, or a zip
        or tar archive. The averaged faces in ``AKDEF`` are left out.
    angles : str or sequence of str, default="straight"
        The angles of the faces to return: "full left", "half left", "straight", "half right",
        "full right", several of them, or "all".
    {parameters}

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        A dictionary-like object with the following attributes.

        {fields}
        session : ndarray of shape (n_images,) of str
            "A" or "B": each expression was photographed twice.
        angle : ndarray of shape (n_images,) of str
            "FL", "HL", "S", "HR" or "FR", in the order of the angles above.
        left_out : dict of str to int
            The number of images that were left out, by reason.
    {data_target}

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If a name of a file is not that of an image of KDEF, if an image is bad, if the sizes
        differ and `image_size` is None, or if a class has no images.

    See Also
    --------
    load_jaffe : Load posed expressions of ten people.

    Notes
    -----
    The name of a file consists of session, sex, person, expression (AF afraid, AN angry, DI
    disgusted, HA happy, NE neutral, SA sad, SU surprised) and angle. `groups` are the persons,
    such as "F01", of both sessions. There is no official split. Papers often draw folds at random:
    then both sessions and all angles of a person are on both sides, and the accuracy is too high.
    Split by `groups`.

    Ten files of the release are black (AF01SUFR, AF10AFFR, AF11NEHL, AF20DIHL, AM25DIFL, AM34DIFR,
    BF13NEHR, BM21DIFL, BM22DIHL, BM24DIFL), and the names of two are cut off (AF31V, AM31H). They
    are left out and listed in `skipped`. Two have another size (AM05ANFR, BM10ANFR). The images
    show head and shoulders and are not cropped to the face.

    References
    ----------
    .. [1] D. Lundqvist, A. Flykt and A. Oehman, "The Karolinska Directed Emotional Faces - KDEF",
       Karolinska Institutet, 1998.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from sk_fer.datasets import load_kdef
    >>> with TemporaryDirectory() as folder:
    ...     for code in ("AF", "AN", "DI", "HA", "NE", "SA", "SU"):
    ...         Image.new("RGB", (56, 76)).save(Path(folder, f"AF01{code}S.JPG"))
    ...     faces = load_kdef(folder)
    >>> faces.target.tolist()[:3], faces.groups_kind, set(faces.groups.tolist())
    (['fear', 'angry', 'disgust'], 'person', {'F01'})
    """
    return load_entries(
        partial(_find, angles=angles, on_error=on_error),
        path,
        "kdef",
        image_size=image_size,
        color=color,
        return_X_y=return_X_y,
        as_frame=as_frame,
        on_error=on_error,
        cache=cache,
        data_home=data_home,
    )


def _find(tree: ImageTree, *, angles: str | Sequence[str], on_error: str) -> Entries:
    codes = _codes_of(angles)
    broken = [file for file in tree.images if os.path.splitext(file.name)[0].upper() in _BROKEN]
    averaged = [file for file in tree.images if "akdef" in map(str.lower, file.folders)]
    away = {file.path for file in (*broken, *averaged)}
    tree.images = [file for file in tree.images if file.path not in away]
    entries = pattern_entries(
        tree,
        KDEF_NAME,
        POSED_CODES,
        example="AF01ANS.JPG",
        on_error=on_error,
        groups_kind="person",
        group_of=str.upper,
    )
    check_classes(entries, on_error)
    angle = entries.columns.index("angle")
    rows = entries.rows
    rows = [row._replace(more=tuple(map(str.upper, row.more))) for row in rows]
    entries.rows = [row for row in rows if row.more[angle] in codes]
    if not entries.rows:
        raise ValueError(f"{tree.root}: no image of angles={angles!r} among {len(rows)}")
    reasons = {"averaged faces": len(averaged), "other angles": len(rows) - len(entries.rows)}
    entries.fields["left_out"] = {reason: count for reason, count in reasons.items() if count}
    for file in broken:
        reason = _BROKEN[os.path.splitext(file.name)[0].upper()]
        entries.skipped.append((file.path, f"{file.path}: known to be broken, {reason}"))
    return entries


def _codes_of(angles: str | Sequence[str]) -> set[str]:
    chosen = ANGLES if angles == "all" else [angles] if isinstance(angles, str) else list(angles)
    codes = dict(zip(ANGLES, ("FL", "HL", "S", "HR", "FR"), strict=True))
    if not chosen or not set(chosen) <= set(ANGLES):
        raise ValueError(f"got angles={angles!r}, expected some of {', '.join(ANGLES)}")
    return {codes[angle] for angle in chosen}
