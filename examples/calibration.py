"""
Probabilities that can be believed
==================================

The probabilities of a network are often too large: of the images that it predicts with a
probability of 90 %, fewer than 90 % are right. A temperature corrects this without changing a
prediction.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.metrics import expected_calibration_error

folder = os.environ.get("SK_FER_DATA")
if folder is None:
    X, y = make_faces(1200, image_size=24, random_state=0)
    X_train, X_rest, y_train, y_rest = train_test_split(
        X, y, train_size=400, stratify=y, random_state=0
    )
else:
    path = Path(folder, "fer2013.csv")
    X_train, y_train = load_fer2013(path, subset="train", return_X_y=True)
    X_rest, y_rest = load_fer2013(path, subset="validation", return_X_y=True)

# %%
# The temperature is fitted on images that the network did not learn from, and both classifiers are
# scored on others.

X_calibration, X_test, y_calibration, y_test = train_test_split(
    X_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0
)
model = FERCNNClassifier(max_epochs=20, augment=None, label_smoothing=0.0, random_state=0)
model.fit(X_train, y_train)
calibrated = CalibratedClassifierCV(FrozenEstimator(model), method="temperature")
calibrated.fit(X_calibration, y_calibration)

# %%
# Each point is the share of right predictions among images of about the same confidence. On the
# dotted line, the probabilities are right.

_, ax = plt.subplots(layout="constrained")
for name, classifier in {"network": model, "with a temperature": calibrated}.items():
    probabilities = classifier.predict_proba(X_test)
    predicted = classifier.classes_[probabilities.argmax(axis=1)]
    error = expected_calibration_error(y_test, probabilities, classes=classifier.classes_)
    print(f"{name}: accuracy {(predicted == y_test).mean():.1%}, calibration error {error:.1%}")
    CalibrationDisplay.from_predictions(
        predicted == y_test,
        probabilities.max(axis=1),
        n_bins=6,
        strategy="quantile",
        name=name,
        ax=ax,
    )
ax.set(xlabel="Confidence", ylabel="Share of right predictions")
