"""
How many images are enough
==========================

:func:`~sk_fer.model_selection.learning_curve` fits a network on fractions of the training images,
several times each. The smallest fraction whose mean score is within one standard error of the best
one is enough, and costs less time.
"""

import os
from pathlib import Path

from sklearn.model_selection import LearningCurveDisplay, train_test_split

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.model_selection import learning_curve

folder = os.environ.get("SK_FER_DATA")
if folder is None:
    X, y = make_faces(700, image_size=24, random_state=0)
    X_train, X_valid, y_train, y_valid = train_test_split(
        X, y, test_size=210, stratify=y, random_state=0
    )
else:
    path = Path(folder, "fer2013.csv")
    X_train, y_train = load_fer2013(path, subset="train", return_X_y=True)
    X_valid, y_valid = load_fer2013(path, subset="validation", return_X_y=True)

model = FERCNNClassifier(max_epochs=8)
curve = learning_curve(
    model, X_train, y_train, X_valid, y_valid, fractions=(0.1, 0.25, 0.5, 1), n_repeats=2
)
print(curve.table.round(3))
print(curve.summary)

# %%
# The display of scikit-learn shows the mean and the standard deviation of the repeats.

display = LearningCurveDisplay(
    train_sizes=curve.table["n_images"].to_numpy(),
    train_scores=curve.scores,
    test_scores=curve.scores,
    score_name="Accuracy",
)
display.plot(score_type="test", std_display_style="errorbar")
