"""
ResNet50 on few images
======================

A network that was trained on other images needs few images of a new task. ResNet50 with the weights
of ImageNet is compared with the network of sk_fer, which was trained on FER2013, and with the same
network from random weights. All learn from ten images of each class.

The weights of ImageNet are 100 MB, which timm downloads. This script uses them only if
``SK_FER_DATA`` is set: on this page, ResNet50 has random weights, to show how it is called.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from sk_fer import FERCNNClassifier, FERPretrainedClassifier, FERResNet50Classifier
from sk_fer.datasets import load_ckplus, make_faces
from sk_fer.inspection import ComparisonDisplay
from sk_fer.model_selection import compare

folder = os.environ.get("SK_FER_DATA")
if folder is None:
    faces = make_faces(490, return_X_y=False, random_state=0)
    images, target, people = faces.images, faces.target, np.arange(490)
    weights, epochs = None, 1
else:
    faces = load_ckplus(Path(folder, "CK+48"))
    images, target, people = faces.images, faces.target, faces.groups
    weights, epochs = "imagenet", 20

# %%
# The images for the test show other people than those that the networks learn from.

folds = StratifiedGroupKFold(3, shuffle=True, random_state=0)
train, test = next(folds.split(images, target, people))
few = np.concatenate([train[target[train] == name][:10] for name in np.unique(target)])
print(f"{len(few)} images to learn from, {len(test)} for the test")

# %%
# ``backbone_lr_factor`` is the learning rate of the pretrained layers relative to that of the head.

settings = {"batch_size": 16, "random_state": 0}
models = {
    "ResNet50": FERResNet50Classifier(weights=weights, max_epochs=epochs, **settings),
    "trained on FER2013": FERPretrainedClassifier(
        "fast",
        weights="fer2013",
        optimizer="muon",
        lr=0.03,
        backbone_lr_factor=1.0,
        max_epochs=20,
        **settings,
    ),
    "from scratch": FERCNNClassifier(max_epochs=30, **settings),
}
table = compare(models, images[few], target[few], images[test], target[test])
ComparisonDisplay.from_table(table, metrics=["accuracy", "f1_macro"])
with pd.option_context("display.precision", 3):
    print(table[["accuracy", "f1_macro", "train_seconds"]])
