"""The image files that the command line names, read as a model takes them."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sk_fer._cli._console import show_warning
from sk_fer._cli._options import is_url
from sk_fer._utils._image_file import read_image, resize_image, warn_of_several_frames
from sk_fer.datasets._image_tree import walk_folder

# Beyond these a picture is likely to show more than one cropped face.
_MOST_TIMES_LONGER = 1.3
_MOST_TIMES_LARGER = 8


def find_pictures(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Find the image files that files, folders and patterns stand for.

    Parameters
    ----------
    arguments : sequence of str
        As they were typed. All images in a folder and the folders in it are found, except
        hidden ones. A pattern is used where no file has its name.

    Returns
    -------
    paths : list of str
        The files.
    problems : list of str
        A message about each argument that stands for no image.

    Warns
    -----
    UserWarning
        If a folder has files that are no images.
    """
    paths: list[str] = []
    problems = []
    for argument in arguments:
        try:
            paths.extend(_expand(argument))
        except (OSError, ValueError) as error:
            problems.append(str(error))
    return paths, problems


def read_pictures(
    paths: Sequence[str], shape: tuple[int, int, int]
) -> tuple[list[str], NDArray[np.uint8], list[str]]:
    """Read image files, and warn of those that are likely to be no cropped face.

    Parameters
    ----------
    paths : sequence of str
        The files.
    shape : tuple of (height, width, channels)
        What the images are brought to.

    Returns
    -------
    read : list of str
        The files that could be read.
    images : ndarray of shape (n_read, height, width) or (n_read, height, width, 3), dtype uint8
        Their pixels, gray or RGB.
    problems : list of str
        A message about each of the other files, which names it.
    """
    read, images, problems = [], [], []
    several_frames: list[str] = []
    for path in paths:
        try:
            image = read_image(path, color=shape[2] == 3, several_frames=several_frames)
        except FileNotFoundError:
            problems.append(f"{path}: no such file or folder")
        except OSError as error:
            problems.append(f"{path}: cannot be read, {error.strerror or error}")
        except ValueError as error:
            problems.append(str(error))
        else:
            _warn_unless_cropped(path, image, shape)
            read.append(path)
            images.append(image if image.shape[:2] == shape[:2] else resize_image(image, shape[:2]))
    warn_of_several_frames(several_frames)
    return read, np.stack(images) if images else np.empty((0, *shape[:2]), np.uint8), problems


def _expand(argument: str) -> Iterator[str]:
    if not argument:
        raise ValueError("got an empty name for an image; wanted a file, a folder or a pattern")
    if is_url(argument):
        raise ValueError(
            f"{argument} is a URL; wanted a file of this machine: download the image, and give "
            "the file"
        )
    argument = os.path.expanduser(argument)
    if os.path.isdir(argument):
        yield from _walk(argument)
        return
    if os.path.lexists(argument) or not glob.has_magic(argument):
        yield argument
        return
    found = sorted(glob.glob(argument, recursive=True))
    if not found:
        raise ValueError(f"{argument}: no file has a name like this")
    for path in found:
        if os.path.isdir(path):
            yield from _walk(path)
        else:
            yield path


def _walk(root: str) -> Iterator[str]:
    """Yield the images in a folder in the order of their names."""
    tree = walk_folder(Path(root))
    if not tree.images:
        raise ValueError(f"{root}: this folder has no images")
    tree.warn_of_not_read()
    for image in tree.images:
        yield image.path


def _warn_unless_cropped(path: str, image: NDArray[np.uint8], wanted: tuple[int, int, int]) -> None:
    height, width = image.shape[:2]
    if (image == image[0, 0]).all():
        show_warning(
            f"{path}: the picture has one colour only; it is no face, and the answer is of no use"
        )
        return
    short, long = sorted((width, height))
    if long > _MOST_TIMES_LONGER * short:
        reason = "it is far from square"
    elif short >= _MOST_TIMES_LARGER * max(wanted[:2]):
        reason = f"the model takes {wanted[1]} x {wanted[0]}"
    else:
        return
    show_warning(
        f"{path}: the picture has {width:,} x {height:,} pixels, and {reason}; it is probably "
        "not a cropped face, and then its answer means nothing; crop the picture to the face"
    )
