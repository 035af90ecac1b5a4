"""The original CK+: sequences of frames, and a file with the code of the last one."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sk_fer.datasets._checks import HOW_TO_SKIP
from sk_fer.datasets._entries import Entries, Entry
from sk_fer.datasets._image_tree import ImageFile, ImageTree
from sk_fer.datasets._label_names import LabelNames
from sk_fer.datasets._names import EXPRESSIONS

CODES = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""The expressions in the order of their codes, from 0."""

_EMOTION = re.compile(r"(S\d+)_(\d+)_(\d+)_emotion\.txt", re.IGNORECASE)
_FRAME = re.compile(r"(\d+)(?=\D*$)")


def is_of_original(file: ImageFile) -> bool:
    """Return whether an image is in folders of its subject and sequence, as ``S005/001``."""
    assert file.frame is not None
    subject, sequence = file.frame
    above = "_".join(folder.upper() for folder in file.folders[-2:])
    return above == sequence and file.folders[-2].upper() == subject


def last_frames(rows: Iterable[Entry], n_last: int) -> list[Entry]:
    """Return the last frames of each sequence, in the order of all."""
    rows = list(rows)
    of_sequence = defaultdict(list)
    for row in rows:
        of_sequence[row.file.frame].append(row.file)
    kept = {
        file.path
        for files in of_sequence.values()
        for file in sorted(files, key=_number_of)[-n_last:]
    }
    return [row for row in rows if row.file.path in kept]


def original_entries(
    tree: ImageTree, n_last: int, *, first_as_neutral: bool, on_error: str
) -> Entries:
    """Find the frames of the sequences that have a label.

    Parameters
    ----------
    tree : ImageTree
        The images, which all are frames.
    n_last : int
        The number of frames at the end of each sequence that have its label.
    first_as_neutral : bool
        Whether the first frame of each sequence is returned as neutral.
    on_error : {"raise", "skip"}
        Whether a bad label is an error, or its sequence is left out.

    Returns
    -------
    entries : Entries
        With the field `left_out`.

    Raises
    ------
    ValueError
        If there are no labels, or one is bad.
    """
    labels, skipped = _read_labels(Path(tree.root), on_error)
    sequences = defaultdict(list)
    for file in tree.images:
        sequences[file.frame].append(file)
    rows: list[Entry] = []
    n_without = 0
    for frame, files in sequences.items():
        assert frame is not None
        files.sort(key=_number_of)
        if frame[1] not in labels:
            n_without += len(files)
            continue
        label, number, path = labels.pop(frame[1])
        if _number_of(files[-1]) != number:
            message = f"{path} labels the last frame, but the last image is {files[-1].path}"
            if on_error == "raise":
                raise ValueError(f"{message}; {HOW_TO_SKIP}")
            skipped.append((str(path), message))
            continue
        if first_as_neutral:
            rows.append(Entry(files[0], "neutral"))
            files = files[1:]
        rows += [Entry(file, label) for file in files[-n_last:]]
    for _, _, path in labels.values():
        message = f"{path}: there are no images of this sequence"
        if on_error == "raise":
            raise ValueError(f"{message}; {HOW_TO_SKIP}")
        skipped.append((str(path), message))
    if not rows:
        raise ValueError(f"{tree.root}: none of {len(sequences)} sequences has a label")
    return Entries(
        tree.root,
        rows,
        EXPRESSIONS,
        skipped=list(skipped),
        not_read=dict(tree.not_read),
        fields={"left_out": {"sequence without label": n_without} if n_without else {}},
    )


def _read_labels(
    root: Path, on_error: str
) -> tuple[dict[str, tuple[str, int, Path]], list[tuple[str, str]]]:
    """Return the label, the number of the last frame and the file of each sequence."""
    labels: dict[str, tuple[str, int, Path]] = {}
    skipped: list[tuple[str, str]] = []
    label_of = LabelNames(CODES)
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            found = _EMOTION.fullmatch(name)
            if not found:
                continue
            path = Path(folder, name)
            try:
                text = path.read_text("utf-8", errors="replace").strip()
                label = label_of(_as_code(text))
                assert label is not None  # no name is None
            except ValueError as error:
                if on_error == "raise":
                    raise ValueError(f"{path}: {error}; {HOW_TO_SKIP}") from error
                skipped.append((str(path), f"{path}: {error}"))
                continue
            labels[f"{found[1].upper()}_{found[2]}"] = label, int(found[3]), path
    if not labels and not skipped:
        raise ValueError(
            f"{root}: has the sequences of CK+, but no labels, such as "
            "Emotion/S005/001/S005_001_00000011_emotion.txt; an archive must be unpacked"
        )
    return labels, skipped


def _as_code(text: str) -> str:
    """Return a code that is written as ``3.0000000e+00``."""
    try:
        code = float(text)
    except ValueError:
        return text
    return str(int(code)) if code.is_integer() else text


def _number_of(file: ImageFile) -> int:
    found = _FRAME.search(os.path.splitext(file.name)[0])
    return int(found[1]) if found else -1
