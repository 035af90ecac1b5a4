"""Images in folders named after their classes."""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._image_file import IMAGE_SUFFIXES, read_image, resize_image
from sk_fer._utils._layout import check_size
from sk_fer.datasets._bunch import Faces, make_bunch
from sk_fer.datasets._checks import (
    ON_ERROR,
    OUTPUT,
    PATH,
    SUBSET,
    check_path,
)
from sk_fer.datasets._names import EXPRESSIONS, expression_of, subset_of

_USAGE_PREFIX = re.compile("(Training|PublicTest|PrivateTest)_")


@validate_params(
    {
        "path": PATH,
        "classes": ["array-like", None],
        "image_size": [tuple, list, None],
        "color": ["boolean"],
        **SUBSET,
        **OUTPUT,
        **ON_ERROR,
    }
)
def load_image_folder(
    path: str | os.PathLike[str],
    *,
    subset: str = "all",
    classes: Sequence[str] | None = None,
    image_size: tuple[int, int] | None = None,
    color: bool = False,
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
) -> Bunch | tuple:
    """Load images from ``<class>/*`` or ``<split>/<class>/*``, your own ones too.

    Parameters
    ----------
    path : str or path-like
        The folder. An image (``.png``, ``.jpg``, ``.jpeg``, ``.bmp``, ``.webp``) belongs to the
        class that its folder is named after, and to the split that the nearest folder above is
        named after, if one is. Other files, and hidden files and folders, are left alone.
    subset : {"train", "validation", "test", "all"}, default="all"
        The split to return.
    classes : sequence of str, default=None
        The class names of your own data, as the folders are named; `target_names` then keeps their
        order. If None, the classes are the expressions angry, disgust, fear, happy, sad, surprise,
        neutral and contempt, also under other names such as Anger or happiness.
    image_size : tuple of int, default=None
        Height and width that every image is brought to. If None, all must have the same size.
    color : bool, default=False
        Whether to keep the colours. If False, colour images become gray.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether data and target are a pandas DataFrame and Series.
    on_error : {"raise", "skip"}, default="raise"
        Whether an image that cannot be read, or lies in no class folder, is an error, or is left
        out and listed in `skipped`.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With the fields

        data : ndarray of shape (n_images, n_pixels), dtype uint8, or DataFrame
            The images, flat.
        images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
            The same memory, as images.
        target : ndarray of shape (n_images,) of str, or Series
            The class names.
        target_names : list of str
            The classes that have images, or `classes`.
        frame : DataFrame or None
            Data and target together, if `as_frame`.
        usage : ndarray of shape (n_images,) of str, or None
            "train", "validation" or "test"; None where the folder has no splits.
        groups : None
            A folder does not say who is in a picture.
        filenames : ndarray of shape (n_images,) of str
            The files.
        skipped : list of (str, str)
            Each file left out of any subset, and why.
        DESCR : str
            What the data set is.
    data, target : tuple
        If `return_X_y`.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there are no images, a folder is named after no class, an image cannot be read, or the
        sizes differ and `image_size` is None.

    See Also
    --------
    load_fer2013 : FER2013, as a table or as such a folder.
    load_ckplus : CK+48, with its subjects.

    Notes
    -----
    Training, val, valid and testing are splits as well. In the release of FER2013 as images the
    names of the files begin with ``Training_``, ``PublicTest_`` or ``PrivateTest_``; these go
    before the name of the folder and stand for train, validation and test.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from sk_fer.datasets import load_image_folder
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("train/happy/1.png", "train/Sadness/2.png", "test/happy/3.png"):
    ...         Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
    ...         Image.new("L", (48, 48)).save(Path(folder, name))
    ...     faces = load_image_folder(folder, subset="train")
    >>> faces.images.shape
    (2, 48, 48)
    >>> faces.target.tolist()
    ['sad', 'happy']
    """
    faces = read_image_folder(
        path, classes=classes, image_size=image_size, color=color, on_error=on_error
    )
    return make_bunch(
        faces.select(subset, path), "image_folder", return_X_y=return_X_y, as_frame=as_frame
    )


class _File(NamedTuple):
    path: str
    label: str
    subset: str | None


def read_image_folder(
    path: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    image_size: tuple[int, int] | None = None,
    color: bool = False,
    on_error: str = "raise",
) -> Faces:
    """Read all images of a folder, see `load_image_folder`."""
    if image_size is not None:
        image_size = check_size(image_size, "image_size")
    if classes is not None:
        classes = _check_classes(classes)
    root = check_path(path)
    if not root.is_dir():
        raise NotADirectoryError(f"{root}: not a folder")
    paths = list(_image_paths(root))
    if not paths:
        wanted = ", ".join(sorted(IMAGE_SUFFIXES))
        raise ValueError(f"{root}: found no images ({wanted}) in this folder")
    images = np.empty(0)
    files: list[_File] = []
    skipped: list[tuple[str, str]] = []
    for name, folders in paths:
        try:
            file = _File(name, _label(name, folders, classes), _subset(name, folders))
            image = read_image(name, color=color)
        except (OSError, ValueError) as error:
            if on_error == "raise":
                raise
            skipped.append((name, str(error)))
            continue
        if image_size is not None and image.shape[:2] != image_size:
            image = resize_image(image, image_size)
        if not files:
            images = np.empty((len(paths), *image.shape), dtype=np.uint8)
        elif image.shape != images.shape[1:]:
            raise ValueError(
                f"{files[0].path} has {_size(images[0])} pixels, {name} has {_size(image)}; "
                "image_size=(height, width) brings them to one size"
            )
        images[len(files)] = image
        files.append(file)
    if not files:
        raise ValueError(f"{root}: none of {len(paths)} images is good, the first: {skipped[0][1]}")
    labels = {file.label for file in files}
    return Faces(
        images=images[: len(files)],
        target=np.array([file.label for file in files]),
        target_names=tuple(classes or (name for name in EXPRESSIONS if name in labels)),
        usage=_usage(files),
        filenames=np.array([file.path for file in files]),
        skipped=skipped,
    )


def _image_paths(root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each image and the folders it lies in, in the order of their names."""
    visited = set()
    for folder, below, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:  # a link back, or to a folder that is read anyway
            below.clear()
            continue
        visited.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))
        folders = Path(folder).relative_to(root).parts
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith("."):
                yield os.path.join(folder, name), folders


def _check_classes(classes: Sequence[str]) -> tuple[str, ...]:
    names = tuple(classes)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"got classes={classes!r}, wanted the names of the class folders")
    if len(set(map(_composed, names))) < len(names):
        raise ValueError(f"got classes={classes!r}, wanted each name once")
    return tuple(map(str, names))


def _composed(name: str) -> str:
    """Return a name as it is typed; macOS stores accents apart from their letters."""
    return unicodedata.normalize("NFC", name)


def _label(path: str, folders: tuple[str, ...], classes: Sequence[str] | None) -> str:
    folder = folders[-1] if folders else ""
    if classes is not None:
        named = {_composed(name): name for name in classes}
        if _composed(folder) in named:
            return named[_composed(folder)]
    expression = expression_of(folder)
    known = EXPRESSIONS if classes is None else classes
    if expression is None or expression not in known:
        advice = (
            "; classes= (of sk-fer: --classes) names those of your own data"
            if classes is None
            else ""
        )
        raise ValueError(
            f"{path}: its folder {folder!r} is no class, wanted {', '.join(known)}{advice}"
        )
    return expression


def _subset(path: str, folders: tuple[str, ...]) -> str | None:
    prefix = _USAGE_PREFIX.match(os.path.basename(path))
    places = [prefix[1]] if prefix else reversed(folders[:-1])
    return next(filter(None, map(subset_of, places)), None)


def _usage(files: list[_File]) -> np.ndarray | None:
    stray = next((file for file in files if file.subset is None), None)
    if stray is None:
        return np.array([file.subset for file in files])
    divided = next((file for file in files if file.subset is not None), None)
    if divided is not None:
        raise ValueError(f"{stray.path} is in no split, but {divided.path} is")
    return None


def _size(image: np.ndarray) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"
