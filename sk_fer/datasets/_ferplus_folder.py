"""FER+ as folders of images, with the votes in lists."""

import os
import re
import warnings
from pathlib import Path

import numpy as np

from sk_fer.datasets._bunch import Faces
from sk_fer.datasets._checks import HOW_TO_SKIP
from sk_fer.datasets._entries import Entries, Entry, read_entries
from sk_fer.datasets._image_tree import walk_folder
from sk_fer.datasets._names import subset_of
from sk_fer.datasets._pixel_csv import SIDE
from sk_fer.datasets._votes import VOTE_NAMES, read_named_votes

FOLDERS = re.compile("FER2013(Train|Valid|Test)", re.IGNORECASE)
_VOTES = "label.csv"


def is_ferplus_folder(path: Path) -> bool:
    """Return whether a folder contains the folders of FER+, itself or in ``images``."""
    return path.is_dir() and any(
        FOLDERS.fullmatch(name) and (place / name).is_dir()
        for place in (path, path / "images")
        if place.is_dir()
        for name in os.listdir(place)
    )


def read_ferplus_folder(
    path: Path, path_votes: Path | None, *, on_error: str
) -> tuple[Faces, np.ndarray, np.ndarray]:
    """Read the images of FER+ and the votes for them.

    Parameters
    ----------
    path : Path
        The folder.
    path_votes : Path or None
        ``fer2013new.csv``, or None for the files ``label.csv`` beside the images.
    on_error : {"raise", "skip"}
        Whether a bad image, or one without votes, is an error or is left out.

    Returns
    -------
    faces : Faces
        The images and their splits, without target.
    votes : ndarray of shape (n_images, 10), dtype uint8
        The votes for `VOTE_NAMES`.
    filenames : ndarray of str
        The files.
    """
    tree = walk_folder(path)
    votes = _votes_by_file(path, path_votes)
    rows: list[Entry] = []
    skipped: list[tuple[str, str]] = []
    for file in tree.images:
        folder = next(filter(FOLDERS.fullmatch, reversed(file.folders)), None)
        found = None if folder is None else votes.pop((subset_of(folder), file.name), None)
        if found is None:
            reason = "is in no folder FER2013Train, FER2013Valid or FER2013Test"
            message = f"{file.path}: {reason if folder is None else 'has no votes'}"
            if on_error == "raise":
                raise ValueError(f"{message}; {HOW_TO_SKIP}")
            skipped.append((file.path, message))
            continue
        assert folder is not None
        # The caller computes the target from the votes.
        rows.append(Entry(file, "", subset_of(folder), more=tuple(found.tolist())))
    if votes:
        split, name = next(iter(votes))
        message = f"{path}: {len(votes)} images with votes are missing, the first: {split}, {name}"
        if on_error == "raise" or not rows:
            raise ValueError(f"{message}; {HOW_TO_SKIP}")
        warnings.warn(message, stacklevel=4)
    entries = Entries(
        str(path),
        rows,
        (),
        columns=VOTE_NAMES,
        skipped=list(skipped),
        not_read=dict(tree.not_read),
    )
    faces = read_entries(entries, image_size=SIDE, on_error=on_error)
    assert faces.filenames is not None
    counts = np.stack([faces.more[name] for name in VOTE_NAMES], axis=1).astype(np.uint8)
    return faces, counts, faces.filenames


def _votes_by_file(path: Path, path_votes: Path | None) -> dict[tuple[str | None, str], np.ndarray]:
    if path_votes is not None:
        return read_named_votes(path_votes)
    votes = {}
    for place in (path, path / "images"):
        for name in sorted(os.listdir(place)) if place.is_dir() else []:
            if FOLDERS.fullmatch(name) and (place / name).is_dir():
                found = place / name / _VOTES
                if not found.is_file():
                    raise ValueError(
                        f"{place / name}: no file {_VOTES} with the votes in this folder; "
                        "path_votes= gives the file fer2013new.csv"
                    )
                for (_, image), counts in read_named_votes(found).items():
                    votes[subset_of(name), image] = counts
    return votes
