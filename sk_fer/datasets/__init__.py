"""Loaders of face images with expressions: files in, :class:`~sklearn.utils.Bunch` out."""

from sk_fer.datasets._affectnet import load_affectnet
from sk_fer.datasets._ckplus import load_ckplus
from sk_fer.datasets._expw import load_expw
from sk_fer.datasets._faces import make_faces
from sk_fer.datasets._fer2013 import load_fer2013
from sk_fer.datasets._ferplus import load_ferplus
from sk_fer.datasets._fetch import fetch_fer2013
from sk_fer.datasets._huggingface import load_huggingface
from sk_fer.datasets._image_folder import load_image_folder
from sk_fer.datasets._jaffe import load_jaffe
from sk_fer.datasets._kdef import load_kdef
from sk_fer.datasets._labelled_images import load_labelled_images
from sk_fer.datasets._load import load_faces
from sk_fer.datasets._match_classes import match_classes
from sk_fer.datasets._merge_classes import merge_classes
from sk_fer.datasets._rafdb import load_rafdb
from sk_fer.datasets._sfew import load_sfew

__all__ = [
    "fetch_fer2013",
    "load_affectnet",
    "load_ckplus",
    "load_expw",
    "load_faces",
    "load_fer2013",
    "load_ferplus",
    "load_huggingface",
    "load_image_folder",
    "load_jaffe",
    "load_kdef",
    "load_labelled_images",
    "load_rafdb",
    "load_sfew",
    "make_faces",
    "match_classes",
    "merge_classes",
]
