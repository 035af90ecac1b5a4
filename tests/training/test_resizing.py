"""Progressive resizing: small images first, full size at the end and in validation."""

import numpy as np
import pytest
import torch

from sk_fer import FERCNNClassifier
from sk_fer.datasets import make_faces
from sk_fer.modules import FastCNN
from sk_fer.training import Augmentation


@pytest.fixture
def seen(monkeypatch):
    """Collect the sizes that the network sees, in training and in evaluation."""
    sizes = {True: [], False: []}
    forward = FastCNN.forward

    def noting(self, x):
        sizes[self.training].append(tuple(x.shape[2:]))
        return forward(self, x)

    monkeypatch.setattr(FastCNN, "forward", noting)
    return sizes


@pytest.mark.parametrize(
    ("max_epochs", "sides"),
    [(1, [48]), (2, [32, 48]), (3, [32, 40, 48]), (8, [24, 24, 32, 32, 40, 40, 48, 48])],
)
def test_sides_over_the_epochs(seen, max_epochs, sides):
    X, y = make_faces(16, random_state=0)
    FERCNNClassifier(progressive_resizing=True, max_epochs=max_epochs, random_state=0).fit(X, y)
    assert seen[True] == [(side, side) for side in sides]


def test_images_that_are_not_square_keep_their_shape(seen):
    X = make_faces(8, random_state=0)[0].reshape(8, 48, 48)[:, :, 12:36]
    FERCNNClassifier(progressive_resizing=True, max_epochs=4, random_state=0).fit(X, [0, 1] * 4)
    assert seen[True] == [(24, 16), (32, 16), (40, 16), (48, 24)]


def test_the_last_images_have_their_full_size(seen):
    X = make_faces(8, random_state=0)[0].reshape(8, 48, 48)[:, :42, :37]
    FERCNNClassifier(progressive_resizing=True, max_epochs=2, random_state=0).fit(X, [0, 1] * 4)
    assert seen[True] == [(32, 24), (42, 37)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"progressive_resizing": False},
        {"progressive_resizing": False, "augment": None},
        {},
        {"progressive_resizing": True, "early_stopping": True, "validation_fraction": 0.5},
        {"progressive_resizing": True, "lr_schedule": "plateau"},
    ],
)
def test_whole_images_throughout(seen, parameters):
    X, _ = make_faces(8, random_state=0)
    FERCNNClassifier(max_epochs=2, **parameters).fit(X, [0, 1] * 4)
    assert seen[True] == [(48, 48)] * 2


def test_networks_made_for_one_size_see_whole_images():
    X, y = make_faces(16, random_state=0)
    resized, whole = (
        FERCNNClassifier("sequential", max_epochs=2, progressive_resizing=on, random_state=0)
        for on in (True, False)
    )
    probabilities = [model.fit(X, y).predict_proba(X) for model in (resized, whole)]
    np.testing.assert_array_equal(*probabilities)


def test_half_the_side_is_the_mean_of_four_pixels():
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    halved = Augmentation({})(images, torch.Generator(), size=(4, 4))
    torch.testing.assert_close(halved, torch.nn.functional.avg_pool2d(images, 2))


def test_a_resized_image_is_flipped_too():
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    flip, keep = Augmentation({"flip": 1.0}), Augmentation({})
    torch.testing.assert_close(
        flip(images, torch.Generator(), size=(4, 6)),
        keep(images, torch.Generator(), size=(4, 6)).flip(3),
    )
