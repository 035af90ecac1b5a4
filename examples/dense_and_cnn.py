"""
Dense layers against convolutions
=================================

A network of dense layers and a small convolutional network learn from the same faces. Their
histories show what each epoch contributes, and whether a network learns its training images by
heart.
"""

import os
from pathlib import Path

from sklearn.model_selection import train_test_split

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.inspection import FacesDisplay, HistoryDisplay

folder = os.environ.get("SK_FER_DATA")
if folder is None:
    X, y = make_faces(800, image_size=32, random_state=0)
    X_train, X_valid, y_train, y_valid = train_test_split(
        X, y, test_size=200, stratify=y, random_state=0
    )
else:
    path = Path(folder, "fer2013.csv")
    X_train, y_train = load_fer2013(path, subset="train", return_X_y=True)
    X_valid, y_valid = load_fer2013(path, subset="validation", return_X_y=True)

FacesDisplay.from_images(X_train, y_train, n_images=14)

# %%
# Both networks are scored on the validation images after each epoch. A star marks the best epoch.

models = {
    "dense": FERDenseClassifier((256, 128), max_epochs=15, batch_size=32, random_state=0),
    "convolutions": FERCNNClassifier(max_epochs=15, batch_size=32, random_state=0),
}
for model in models.values():
    model.fit(X_train, y_train, X_val=X_valid, y_val=y_valid)
HistoryDisplay.from_estimators(models)

# %%
# Both know their training images in the end, but the convolutional network is better on images that
# it has not seen.

for name, model in models.items():
    n_parameters = sum(weight.numel() for weight in model.net_.module_.parameters())
    print(f"{name}: {n_parameters:,} parameters, accuracy {model.score(X_valid, y_valid):.1%}")
