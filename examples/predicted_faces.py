"""
The picture of the README
=========================

It shows drawn faces with their predicted expressions.

::

    python examples/predicted_faces.py docs/predicted_faces.png

The script draws 1,000 faces with `make_faces`, trains the default network on them and draws 14
other faces with the prediction and its probability. A wrong prediction is red and is followed by
the true expression. It takes less than a minute on two cores.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from sk_fer import FERCNNClassifier
from sk_fer.datasets import make_faces

N_TRAIN, N_EPOCHS = 1000, 8
N_ROWS, N_COLUMNS = 2, 7


def main(path: Path) -> None:
    X_train, y_train = make_faces(N_TRAIN, random_state=0)
    model = FERCNNClassifier(max_epochs=N_EPOCHS, batch_size=32, random_state=0)
    model.fit(X_train, y_train)

    X, y = make_faces(N_ROWS * N_COLUMNS, random_state=1)
    probabilities = model.predict_proba(X)
    predicted = model.classes_[probabilities.argmax(axis=1)]

    figure, axes = plt.subplots(N_ROWS, N_COLUMNS, figsize=(9, 3.1), layout="constrained")
    for axis, face, label, true, shares in zip(
        axes.flat, X, predicted, y, probabilities, strict=True
    ):
        axis.imshow(face.reshape(48, 48), cmap="gray", vmin=0, vmax=255)
        axis.set_axis_off()
        title = f"{label} {shares.max():.0%}"
        if label == true:
            axis.set_title(title, fontsize=10)
        else:
            axis.set_title(f"{title}\n({true})", fontsize=10, color="firebrick")
    figure.savefig(path, dpi=100)
    plt.close(figure)
    # 64 colours are enough and halve the size of the file.
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)
    print(f"{(predicted == y).sum()} of {len(y)} correct, wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
