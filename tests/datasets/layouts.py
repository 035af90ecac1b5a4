"""Drawn faces in the layouts of public data sets."""

from pathlib import Path

import numpy as np
from PIL import Image

from sk_fer.datasets import make_faces
from sk_fer.datasets._affectnet import CODES as AFFECTNET_CODES
from sk_fer.datasets._ckplus_original import CODES as CKPLUS_CODES
from sk_fer.datasets._kdef import POSED_CODES
from sk_fer.datasets._names import FER2013_EXPRESSIONS
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


AFFECTNET_HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
    "valence,arousal"
)


def affectnet_lists(root):
    """Write AffectNet's lists, all eleven codes in each split; return the truth."""
    truth = []
    for split, below in (("training", "100"), ("validation", "200")):
        lines = [AFFECTNET_HEADER]
        for code, name in enumerate(AFFECTNET_CODES):
            place = f"{below}/{split}{code}.jpg"
            path = draw(root / "Manually_Annotated_Images" / place, name, size=(40, 40))
            box = "NULL,NULL,NULL,NULL" if code > 7 else "4,6,30,28"
            lines.append(f"{place},{box},1.0;2.0;3.0,{code},{code / 10},-2")
            if code < 8:
                truth.append((split.replace("ing", ""), name, code / 10, path))
        (root / "lists").mkdir(exist_ok=True)
        (root / "lists" / f"{split}.csv").write_text("\n".join(lines))
    return truth


def affectnet_annotations(root):
    """Write the form with a file of the code beside each image."""
    truth = []
    for split in ("train_set", "val_set"):
        (root / split / "annotations").mkdir(parents=True)
        for code, name in enumerate(AFFECTNET_CODES[:9]):
            draw(root / split / "images" / f"{code}.jpg", name)
            np.save(root / split / "annotations" / f"{code}_exp.npy", np.array(str(code)))
            np.save(root / split / "annotations" / f"{code}_val.npy", np.array("0.5"))
            if code < 8:
                truth.append(({"train_set": "train", "val_set": "validation"}[split], name))
    return truth


def affectnet_kaggle(root):
    """Write Kaggle's folders and labels, of which one image has another label than its folder."""
    lines, truth = [",pth,label,relFCs"], []
    for code, name in enumerate(("anger", "surprise", *AFFECTNET_CODES[:8])):
        folder = "fear" if code == 0 else name
        place = f"{folder}/image{code:07}.jpg"
        draw(root / place, name)
        lines.append(f"{code},{place},{name},0.87")
        truth.append("angry" if name == "anger" else name)
    (root / "labels.csv").write_text("\n".join(lines))
    return truth


def expw(root):
    """Write two faces in each of seven images, in files by the hundred; return the truth."""
    lines, truth = [], []
    for code, name in enumerate(FER2013_EXPRESSIONS):
        other = (code + 1) % 7
        picture = np.zeros((60, 120), dtype=np.uint8)
        for number, (label, left) in enumerate(((code, 10), (other, 70))):
            face = np.array(Image.open(draw(root / "face.png", FER2013_EXPRESSIONS[label])))
            picture[12:36, left : left + 24] = face
            confidence = 50 if number == 0 else 10
            lines.append(
                f"{name}_{code}.jpg {number} 12 {left} {left + 24} 36 {confidence} {label}"
            )
            truth.append((f"{name}_{code}.jpg", FER2013_EXPRESSIONS[label], confidence, face))
        (root / "image" / "origin").mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(root / "image" / "origin" / f"{name}_{code}.jpg", quality=95)
    (root / "face.png").unlink()
    (root / "label").mkdir()
    (root / "label" / "label.lst").write_text("\n".join(lines))
    return truth


def sfew(root, *, test=True):
    """Write frames of two films in each split; return the truth in the order of the paths."""
    truth = []
    for split, films in (("Train", ("Airheads", "Harry_Potter")), ("Val", ("Babel",))):
        for name in FER2013_EXPRESSIONS:
            for number, film in enumerate(films):
                stem = f"{film}_00051924{number}_00000005"
                folder = root / split / f"{split}_Aligned_Faces" / name.title()
                draw(folder / f"{stem}.png", name)
                truth.append(({"Train": "train", "Val": "validation"}[split], name, film))
    if test:
        draw(root / "Test" / "Test_Aligned_Faces" / "Up_000000001_00000001.png", "happy")
    return truth


def ckplus_original(root):
    """Write five frames of seven labelled sequences and of one without label."""
    truth = {}
    for code, name in enumerate((*CKPLUS_CODES[1:], "angry"), 1):
        subject = f"S{(code + 1) // 2:03}"
        sequence = f"{subject}_{code:03}"
        for frame in range(1, 6):
            label = "neutral" if frame == 1 else name
            place = f"{subject}/{code:03}/{sequence}_{frame:08}.png"
            draw(root / "cohn-kanade-images" / place, label, size=(24, 32))
        if code == 8:
            continue  # has no label
        truth[sequence] = (subject, name)
        folder = root / "Emotion" / subject / f"{code:03}"
        folder.mkdir(parents=True)
        (folder / f"{sequence}_00000005_emotion.txt").write_text(f"   {code:.7e}\n")
    return truth


FERPLUS_VOTES = {
    "fer0000000.png": (0, 8, 2, 0, 0, 0, 0, 0, 0, 0),
    "fer0000002.png": (0, 0, 0, 3, 3, 4, 0, 0, 0, 0),
    "fer0000003.png": (0, 0, 0, 0, 10, 0, 0, 0, 0, 0),
}


def ferplus_folder(root, *, lists=True):
    """Write three images in each folder of FER+, one of them without majority."""
    for folder in ("FER2013Train", "FER2013Valid", "FER2013Test"):
        lines = []
        for name, votes in FERPLUS_VOTES.items():
            draw(root / folder / name, "happy", size=(48, 48))
            lines.append(f'{name},"(0, 0, 48, 48)",{",".join(map(str, votes))}')
        if lists:
            (root / folder / "label.csv").write_text("\n".join(lines) + "\n")
