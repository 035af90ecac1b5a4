"""
Fine-tuning on another data set
===============================

A network of FER2013 is fine-tuned on CK+, and scored in folds by subject.

::

    SK_FER_DATA=folder python examples/transfer.py

`folder` contains `fer2013.csv` and `CK+48/`. The script takes 15 minutes on two cores. Without
SK_FER_DATA, it uses few small drawn faces and takes a few minutes.
"""

import os
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold, cross_val_score

from sk_fer import FERCNNClassifier, FERPretrainedClassifier
from sk_fer.datasets import load_ckplus, load_fer2013, make_faces

EPOCHS_BEFORE, EPOCHS_AFTER = 3, 10
# Drawn faces, where there are no others.
N_BEFORE, N_AFTER = 400, 120


def main() -> None:
    folder = os.environ.get("SK_FER_DATA")
    if folder is None:
        X, y = make_faces(N_BEFORE, image_size=32, random_state=0)
        images, target = make_faces(N_AFTER, image_size=32, random_state=1)
        subjects = [i // 3 for i in range(N_AFTER)]  # three drawings each
    else:
        X, y = load_fer2013(Path(folder, "fer2013.csv"), subset="train", return_X_y=True)
        ck = load_ckplus(Path(folder, "CK+48"))
        images, target, subjects = ck.images, ck.target, ck.groups

    print(f"Pretraining on {len(X):,} images", flush=True)
    network = FERCNNClassifier(max_epochs=EPOCHS_BEFORE, random_state=0, verbose=1).fit(X, y)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for name, weights in (("from scratch", None), ("fine-tuned", network)):
        model = FERPretrainedClassifier(
            "fast",
            weights=weights,
            backbone_lr_factor=1.0,
            optimizer="muon",
            lr=0.03,
            max_epochs=EPOCHS_AFTER,
            random_state=0,
        )
        print(f"Five folds of {len(target)} images, {name}", flush=True)
        scores = cross_val_score(
            model, images, target, groups=subjects, cv=folds, scoring="accuracy"
        )
        print(f"{name}: {scores.mean():.1%}, from {scores.min():.1%} to {scores.max():.1%}")


if __name__ == "__main__":
    main()
