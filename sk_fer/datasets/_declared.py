"""The table of data sets: how each is recognized, and which protocol it follows."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

from sk_fer.datasets._affectnet import LISTS as AFFECTNET_LISTS
from sk_fer.datasets._affectnet import (
    is_affectnet_list,
    is_kaggle_list,
    load_affectnet,
)
from sk_fer.datasets._ckplus import load_ckplus
from sk_fer.datasets._expw import LIST as EXPW_LIST
from sk_fer.datasets._expw import load_expw
from sk_fer.datasets._fer2013 import load_fer2013
from sk_fer.datasets._ferplus import load_ferplus
from sk_fer.datasets._ferplus_folder import is_ferplus_folder
from sk_fer.datasets._find_list import find_lists
from sk_fer.datasets._huggingface import load_huggingface
from sk_fer.datasets._image_folder import load_image_folder
from sk_fer.datasets._image_tree import ImageTree
from sk_fer.datasets._jaffe import JAFFE_NAME, load_jaffe
from sk_fer.datasets._kdef import KDEF_NAME, load_kdef
from sk_fer.datasets._list_rows import open_list
from sk_fer.datasets._rafdb import LIST as RAFDB_LIST
from sk_fer.datasets._rafdb import is_compound_list, load_rafdb
from sk_fer.datasets._sfew import SFEW_PATH, load_sfew

_RAFDB_KAGGLE = re.compile(r"(?:^|/)(train|test)/[1-7]/\1_\d+_aligned\.\w+$")
_ANNOTATED = re.compile(r"(?:^|/)images/\d+\.\w+$")

_PERSONS = "there is no official split; {} are kept on one side of each split"


class DataSet(NamedTuple):
    """A data set or format.

    Parameters
    ----------
    title : str
        What people call it.
    load : callable
        Its loader.
    protocol : str
        A description of its official protocol, or that there is none.
    is_table : bool, default=False
        Whether it is a table of pixels. Then, the parameters of the loader for images do not apply.
    recognizes : callable, default=None
        A function from the image files of a folder or archive, and its path, to whether they are
        this data set.
    """

    title: str
    load: Callable[..., Any]
    protocol: str
    is_table: bool = False
    recognizes: Callable[[ImageTree, Path], bool] | None = None

    @property
    def loader_name(self) -> str:
        """The name of the loader."""
        return str(getattr(self.load, "func", self.load).__name__)

    def takes(self, name: str) -> bool:
        """Return whether a parameter of the loader applies."""
        if self.is_table and name in ("image_size", "color"):
            return False
        return name in signature(self.load).parameters


def _most_match(pattern: re.Pattern[str], tree: ImageTree, path: Path) -> bool:
    n_found = sum(pattern.search(file.place) is not None for file in tree.images)
    return 2 * n_found > len(tree.images)


def _rafdb_lists(path: Path) -> list[Path]:
    return list(find_lists(path, RAFDB_LIST.__eq__))


def _is_rafdb(tree: ImageTree, path: Path) -> bool:
    lists = _rafdb_lists(path)
    return bool(lists) or _most_match(_RAFDB_KAGGLE, tree, path)


def _is_rafdb_compound(tree: ImageTree, path: Path) -> bool:
    lists = _rafdb_lists(path)
    return len(lists) == 1 and is_compound_list(lists[0])


def _is_affectnet(tree: ImageTree, path: Path) -> bool:
    if any(map(is_affectnet_list, find_lists(path, AFFECTNET_LISTS.__contains__))):
        return True
    if any(map(is_kaggle_list, find_lists(path, "labels.csv".__eq__))):
        return True
    return tree.not_read[".npy"] > 0 and _most_match(_ANNOTATED, tree, path)


def _is_expw(tree: ImageTree, path: Path) -> bool:
    for table in find_lists(path, EXPW_LIST.__eq__):
        with open_list(table) as (first, _):
            if len(first) == 8:
                return True
    return False


def _is_ferplus(tree: ImageTree, path: Path) -> bool:
    return is_ferplus_folder(path) and any(find_lists(path, "label.csv".__eq__))


DATA_SETS: dict[str, DataSet] = {
    "fer2013": DataSet(
        "FER2013",
        load_fer2013,
        "train on Training, choose on PublicTest (validation), report PrivateTest (test)",
        is_table=True,
    ),
    "ferplus": DataSet(
        "FER+",
        load_ferplus,
        "the splits of FER2013, with the majority of ten votes as label",
        is_table=True,
        recognizes=_is_ferplus,
    ),
    "ckextended": DataSet(
        "CK+ as a table", load_ckplus, "the splits of the table; persons unknown", is_table=True
    ),
    "rafdb_compound": DataSet(
        "RAF-DB, compound expressions",
        partial(load_rafdb, labels="compound"),
        "train on the training split, report the test split; there is no validation split",
        recognizes=_is_rafdb_compound,
    ),
    "rafdb": DataSet(
        "RAF-DB",
        load_rafdb,
        "train on the training split, report the test split; there is no validation split",
        recognizes=_is_rafdb,
    ),
    "affectnet": DataSet(
        "AffectNet",
        load_affectnet,
        "train on the training split, report the validation split; the test split is not public",
        recognizes=_is_affectnet,
    ),
    "expw": DataSet(
        "ExpW",
        load_expw,
        _PERSONS.format("faces of one image"),
        recognizes=_is_expw,
    ),
    "sfew": DataSet(
        "SFEW",
        load_sfew,
        "train on the training split, report the validation split; the test split has no labels",
        recognizes=partial(_most_match, SFEW_PATH),
    ),
    "kdef": DataSet(
        "KDEF",
        load_kdef,
        _PERSONS.format("images of one person"),
        recognizes=partial(_most_match, KDEF_NAME),
    ),
    "jaffe": DataSet(
        "JAFFE",
        load_jaffe,
        _PERSONS.format("images of one person"),
        recognizes=partial(_most_match, JAFFE_NAME),
    ),
    "ckplus": DataSet(
        "CK+",
        load_ckplus,
        _PERSONS.format("frames of one subject"),
        recognizes=lambda tree, path: tree.is_ckplus(),
    ),
    "huggingface": DataSet(
        "files of the Hugging Face hub", load_huggingface, "the splits of the files"
    ),
    "image_folder": DataSet(
        "images in class folders", load_image_folder, "the splits of the folders"
    ),
}
"""The formats that `load_faces` reads. The first that recognizes a folder is taken."""
