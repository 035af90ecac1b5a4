"""
Training on one data set, testing on another
============================================

A classifier of one data set is scored on another one, on the classes that both have.

::

    SK_FER_DATA=folder python examples/cross_dataset.py

`folder` contains `fer2013.csv` and `CK+48/`. The script takes a quarter of an hour on two cores. If
`SK_FER_DATA` is not set, it uses drawn faces and takes a minute. A score on another data set shows
how well a classifier works with other cameras, people and labels.
"""

import os
from pathlib import Path

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_faces, make_faces, match_classes, merge_classes
from sk_fer.inspection import class_report
from sk_fer.model_selection import find_duplicates, make_splits

EPOCHS, SIDE, N_FACES = 8, 48, 400


def main() -> None:
    folder = os.environ.get("SK_FER_DATA")
    if folder is None:
        first = make_faces(N_FACES, image_size=SIDE, random_state=0, return_X_y=False)
        second = make_faces(N_FACES // 2, image_size=SIDE, random_state=1, return_X_y=False)
        # Another data set has other classes.
        second = merge_classes(second, {"contempt": ["neutral"]})
    else:
        first = load_faces(Path(folder, "fer2013.csv"), subset="train")
        second = load_faces(Path(folder, "CK+48"))

    shared = find_duplicates(first, second)
    print(shared.summary)  # scores on images that were seen in training are too high

    splits = make_splits(first)
    train = splits == "train"
    model = FERCNNClassifier(max_epochs=EPOCHS, random_state=0)
    model.fit(first.images[train], first.target[train])
    for name, data, rows in (
        ("the same data set", first, splits == "validation"),
        ("the other one", second, slice(None)),
    ):
        images, (target, known) = (
            data.images[rows],
            match_classes(data.target[rows], model.classes_),
        )
        left_out = sorted(set(target[~known].tolist()))
        report = class_report(target[known], model.predict(images[known]), classes=model.classes_)
        print(f"{name}: accuracy {report.accuracy:.1%} on {known.sum():,} images")
        print(f"  classes left out: {', '.join(left_out) or 'none'}")
        print(f"  classes without images: {', '.join(report.absent) or 'none'}")


if __name__ == "__main__":
    main()
