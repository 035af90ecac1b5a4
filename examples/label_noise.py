"""
Labels that are probably wrong
==============================

:func:`~sk_fer.model_selection.find_label_issues` predicts each training image by a network that has
not learned from it, and cleanlab estimates which labels are wrong. The network is then trained
without these images.

Some labels of the drawn faces are changed here, so that it is known which ones are wrong. In
FER2013, the votes of FER+ say so. The script requires cleanlab: ``pip install ".[cleanlab]"``.
"""

import os
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_fer2013, load_ferplus, make_faces
from sk_fer.inspection import FacesDisplay
from sk_fer.model_selection import find_duplicates, find_label_issues

folder = os.environ.get("SK_FER_DATA")
if folder is None:
    X, true = make_faces(1000, image_size=24, noise=0.01, occlusion=0, random_state=0)
    X, X_test, true, y_test = train_test_split(
        X, true, test_size=300, stratify=true, random_state=0
    )
    rng = np.random.default_rng(0)
    is_wrong = rng.random(len(true)) < 0.1
    y = np.where(is_wrong, rng.permutation(true), true)
    is_wrong = y != true
else:
    faces = Path(folder, "fer2013.csv"), Path(folder, "fer2013new.csv")
    voted = load_ferplus(*faces)
    kept = np.setdiff1d(np.arange(len(voted.target) + len(voted.dropped)), voted.dropped - 1)
    X, y = load_fer2013(faces[0], return_X_y=True)
    X, y, true = X[kept], y[kept], voted.target
    is_wrong = y != true
    voted = load_ferplus(*faces, subset="validation")
    X_test, y_test = voted.data, voted.target
print(f"{len(y):,} images, {is_wrong.mean():.1%} of the labels are wrong")

# %%
# Copies of an image are in one fold, because a network that has learned from a copy knows its
# label.

model = FERCNNClassifier(max_epochs=12, batch_size=32, random_state=0)
groups = find_duplicates(X, near=0.98).group_ids
issues = find_label_issues(model, X, y, groups=groups, cv=3)
print(issues.summary)
found = issues.table["is_issue"].to_numpy()
print(f"{is_wrong[found].mean():.1%} of these labels are wrong")
print(f"{is_wrong[~found].mean():.1%} of the other labels are wrong")

# %%
# The most suspicious images, with the prediction above the label. Look at them before you trust the
# list: unusual faces are suspicious, too.

worst = issues.table.nlargest(14, "suspicion").index
FacesDisplay.from_predictions(X[worst], y_true=y[worst], y_pred=issues.table["predicted"][worst])

# %%
# Training without the suspicious images.

for name, rows in {"all images": slice(None), "without suspicious ones": ~found}.items():
    model.fit(X[rows], y[rows])
    print(f"{name}: accuracy {model.score(X_test, y_test):.1%}")
