"""
Which expressions a network confuses
====================================

The network ``"vgg"`` has eight convolutions in four blocks. Its confusion matrix shows which
expressions it takes for which, and the most confident errors show why.
"""

import os
from pathlib import Path

from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.inspection import MistakesDisplay

folder = os.environ.get("SK_FER_DATA")
if folder is None:
    X, y = make_faces(700, image_size=24, noise=0.01, occlusion=0, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=210, stratify=y, random_state=0
    )
    epochs = 10
else:
    path = Path(folder, "fer2013.csv")
    X_train, y_train = load_fer2013(path, subset="train", return_X_y=True)
    X_test, y_test = load_fer2013(path, subset="validation", return_X_y=True)
    epochs = 20

model = FERCNNClassifier("vgg", max_epochs=epochs, batch_size=32, random_state=0)
model.fit(X_train, y_train)
print(f"accuracy {model.score(X_test, y_test):.1%}")

# %%
# Each row of the matrix is a true class, and its shares sum to 1.

display = ConfusionMatrixDisplay.from_estimator(
    model,
    X_test,
    y_test,
    normalize="true",
    values_format=".0%",
    cmap="Blues",
    xticks_rotation=45,
    colorbar=False,
)
display.figure_.set_layout_engine("constrained")

# %%
# These are the errors that the network is most confident of.

MistakesDisplay.from_estimator(model, X_test, y_test)
