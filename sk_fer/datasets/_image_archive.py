"""The image files of a folder or of an archive, which is read without unpacking it to files."""

import io
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sk_fer.datasets._find_table import has_pixels
from sk_fer.datasets._image_tree import ImageTree, walk_folder
from sk_fer.datasets._packed import damage_named, head_of, is_tar, is_zip, open_unpacked
from sk_fer.datasets._tables import holds_member

_LARGEST_FILE = 256 << 20

_Members = list[tuple[str, Callable[[], BinaryIO]]]


@contextmanager
def open_image_tree(path: Path) -> Iterator[ImageTree]:
    """Find the image files of a folder, or of a zip or tar archive of one.

    Nothing of an archive is written to the disk under a name of its own, so that no name in it
    can lead out of a folder.

    Parameters
    ----------
    path : Path
        The folder or archive.

    Yields
    ------
    tree : ImageTree
        Its images can be opened until the context ends.

    Raises
    ------
    NotADirectoryError
        If it is neither a folder nor an archive.
    ValueError
        If the archive is damaged.
    """
    with ExitStack() as stack:
        if path.is_dir():
            tree = walk_folder(path)
        else:
            with damage_named(path):
                members = _members(path, stack)
            if members is None:
                raise NotADirectoryError(
                    f"{path}: not a folder, and not a zip or tar archive of a folder"
                )
            tree = ImageTree(str(path))
            for name, open_file in sorted(members, key=lambda member: member[0].split("/")):
                folders = tuple(
                    part for part in name.split("/")[:-1] if part not in ("", ".", "..")
                )
                tree.add(f"{path}/{name}", folders, open_file)
        tree.leave_out_copies()
        yield tree


def is_image_archive(path: Path) -> bool:
    """Whether a file is an archive with images and without a table of pixels."""
    if path.is_dir() or has_pixels(path) or holds_member(path, "[Content_Types].xml"):
        return False
    with ExitStack() as stack, damage_named(path):
        head = head_of(open_unpacked(path, stack))
    if not (is_zip(head) or is_tar(head)):
        return False
    with open_image_tree(path) as tree:
        return bool(tree.images)


def _members(path: Path, stack: ExitStack) -> _Members | None:
    file = open_unpacked(path, stack)
    head = head_of(file)
    if is_zip(head):
        archive = stack.enter_context(zipfile.ZipFile(path))
        return [
            (info.filename.replace("\\", "/"), partial(_open_zipped, archive, info, path))
            for info in archive.infolist()
            if not info.is_dir()
        ]
    if is_tar(head):
        if not isinstance(file.raw, io.FileIO):  # compressed, and images are read in any order
            unpacked = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            shutil.copyfileobj(file, unpacked)
            unpacked.seek(0)
            file = unpacked  # type: ignore[assignment]
        tar = stack.enter_context(tarfile.open(fileobj=file, mode="r:"))  # noqa: SIM115
        return [
            (info.name, partial(_open_tarred, tar, info, path))
            for info in tar.getmembers()
            if info.isfile()
        ]
    return None


def _open_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> BinaryIO:
    _check_size(path, info.filename, info.file_size)
    with damage_named(path / info.filename):
        return io.BytesIO(archive.read(info))


def _open_tarred(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> BinaryIO:
    _check_size(path, info.name, info.size)
    with damage_named(path / info.name):
        file = tar.extractfile(info)
        assert file is not None  # it is a regular file
        return io.BytesIO(file.read())


def _check_size(path: Path, name: str, size: int) -> None:
    if size > _LARGEST_FILE:
        raise ValueError(
            f"{path}/{name}: unpacks to {size} bytes, at most {_LARGEST_FILE} are read"
        )
