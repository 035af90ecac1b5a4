"""Drawn faces, laid out as the data sets that people have are."""

from pathlib import Path

import numpy as np
from PIL import Image

from sk_fer.datasets import make_faces
from sk_fer.datasets._kdef import POSED_CODES
from sk_fer.datasets._rafdb import BASIC, COMPOUND

SIDE = 24


def draw(path, label, seed=0, *, size=(SIDE, SIDE), mode="L"):
    """Draw a face of an expression into a file, and return its pixels at 48 x 48."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    X, y = _faces(seed % 8)
    row = X[np.flatnonzero(y == label)[0]] if label in set(y) else X[0]
    picture = Image.fromarray(row.reshape(48, 48)).resize(size[::-1]).convert(mode)
    picture.save(path)
    return path


_DRAWN = {}


def _faces(seed):
    if seed not in _DRAWN:
        _DRAWN[seed] = make_faces(7, random_state=seed)
    return _DRAWN[seed]


def rafdb(root, *, labels="basic", n_each=2):
    """Write RAF-DB with a training and a test face of each class or more; return the truth."""
    names = BASIC if labels == "basic" else COMPOUND
    lines, truth = [], []
    for split in ("train", "test"):
        number = 0
        for code, name in enumerate(names, 1):
            for _ in range(n_each if split == "train" else 1):
                number += 1
                stem = f"{split}_{number:05}"
                draw(root / "Image" / "aligned" / f"{stem}_aligned.jpg", name, number)
                draw(root / "Image" / "original" / f"{stem}.jpg", name, number, size=(40, 30))
                lines.append(f"{stem}.jpg {code}")
                truth.append((split, name))
    (root / "EmoLabel").mkdir(parents=True)
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines) + "\n")
    return truth


def rafdb_kaggle(root):
    """Write the folders of Kaggle, in the order of their paths."""
    truth = []
    for split in ("test", "train"):
        for code, name in enumerate(BASIC, 1):
            draw(root / "DATASET" / split / str(code) / f"{split}_{code:05}_aligned.jpg", name)
            truth.append((split, name))
    return truth


def kdef(root, people=("F01", "M01")):
    """Write two people of KDEF, in both sessions and from two angles; return the truth."""
    truth = {}
    for person in people:
        for session in "AB":
            for code, name in POSED_CODES.items():
                if code == "fe":
                    continue
                for angle in ("S", "HL"):
                    stem = f"{session}{person}{code.upper()}{angle}"
                    draw(root / f"{session}{person}" / f"{stem}.JPG", name, size=(32, 24))
                    truth[stem] = (name, person, angle)
    return truth


def jaffe(root, people=("KA", "KL", "YM")):
    """Write an image of each expression of three people of JAFFE; return the truth."""
    truth = []
    for person in people:
        for code in ("AN", "DI", "FE", "HA", "NE", "SA", "SU"):
            draw(root / f"{person}.{code}1.{len(truth) + 1}.tiff", POSED_CODES[code.lower()])
            truth.append((person, POSED_CODES[code.lower()]))
    return truth
