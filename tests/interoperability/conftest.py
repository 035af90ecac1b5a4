"""Drawn faces and a small network for the tests of other packages."""

import numpy as np
import pytest

from sk_fer import FERCNNClassifier
from sk_fer.datasets import make_faces


@pytest.fixture(scope="session")
def three_expressions():
    """240 drawn faces of 24 x 24 pixels with three expressions, 80 of each: (X, y)."""
    X, y = make_faces(560, image_size=24, noise=0.01, occlusion=0, random_state=0)
    rows = np.flatnonzero(np.isin(y, ["happy", "neutral", "surprise"]))
    return X[rows], y[rows]


@pytest.fixture
def network():
    """A network that learns these faces in a second: it is right on 85 % of new ones."""
    return FERCNNClassifier(
        "sequential", max_epochs=10, augment=None, device="cpu", precision="float32", random_state=0
    )


@pytest.fixture(scope="session")
def fitted(three_expressions):
    """That network, fitted on the first 160 faces; a test must not change it."""
    X, y = three_expressions
    model = FERCNNClassifier(
        "sequential", max_epochs=10, augment=None, device="cpu", precision="float32", random_state=0
    )
    return model.fit(X[:160], y[:160])
