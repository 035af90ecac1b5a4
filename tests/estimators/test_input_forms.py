"""The forms of X that are accepted, and the messages about others."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.utils import Bunch

from sk_fer import FERFeatures
from sk_fer.preprocessing import ImageResizer

from .. import helpers
from ..helpers import dense

SHAPE = (12, 12)
IMAGES = np.random.default_rng(0).integers(0, 256, (20, *SHAPE), dtype=np.uint8)
Y = np.array(["happy", "sad"])[np.arange(20) % 2]
STRINGS = [" ".join(map(str, image.ravel())) for image in IMAGES]


cnn = partial(helpers.cnn, architecture="fast", max_epochs=1)


def features(**settings):
    return FERFeatures("fast", weights=None, **settings)


# -- flat rows -------------------------------------------------------------------------------

ROWS = {
    6912: "image_shape=(48, 48, 3) for 48 x 48 pixels in three channels",
    2305: "2305 is 48 * 48 + 1: remove the columns that are not pixels",
    6913: "6913 is 3 * 48 * 48 + 1",
    3072: "image_shape=(48, 64) or (64, 48) for gray images",
    2000: "image_shape=(1, 2000) if the features are not pixels",
    65: "65 is 8 * 8 + 1",
}


@pytest.mark.parametrize("n_features", ROWS)
@pytest.mark.parametrize("make", [cnn, features])
def test_a_row_that_is_not_a_square_image_is_an_error(make, n_features):
    X = np.zeros((4, n_features), dtype=np.uint8)
    with pytest.raises(ValueError, match=f"X has {n_features} features, which is not a sq") as e:
        make().fit(X, Y[:4])
    assert ROWS[n_features] in str(e.value)


def test_image_shape_sets_the_shape_of_rows():
    rows = IMAGES.reshape(5, -1)[:, :432]
    y = Y[:5]
    assert cnn(image_shape=(12, 12, 3)).fit(rows, y).image_shape_ == (12, 12, 3)
    assert cnn(image_shape=(1, 432)).fit(rows, y).image_shape_ == (1, 432, 1)
    assert cnn(image_shape=12).fit(IMAGES.reshape(20, -1), Y).image_shape_ == (12, 12, 1)


def test_tables_that_are_not_images_work():
    rows = np.random.default_rng(0).normal(size=(20, 63))
    assert cnn().fit(rows, Y).image_shape_ == (1, 63, 1)
    assert dense().fit(IMAGES.reshape(5, -1)[:, :432], Y[:5]).image_shape_ == (1, 432, 1)


def test_classifier_chain_names_the_way_out():
    labels = np.c_[Y == "happy", np.arange(20) < 9].astype(int)
    rows = IMAGES.reshape(20, -1)
    for image_shape in (None, SHAPE):
        chain = ClassifierChain(cnn(image_shape=image_shape))
        with pytest.raises(ValueError, match=r"145 is 12 \* 12 \+ 1:.* MultiOutputClassifier"):
            chain.fit(rows, labels)
    assert MultiOutputClassifier(cnn()).fit(rows, labels).predict(rows).shape == (20, 2)


def test_square_rows_that_look_like_four_channels_warn():
    gray = IMAGES[..., None].repeat(4, axis=3)
    opaque = np.random.default_rng(1).integers(0, 256, (20, *SHAPE, 4), dtype=np.uint8)
    opaque[..., 3] = 255
    for pixels in (gray, opaque, opaque / 255):
        rows = pixels.reshape(20, -1)
        with pytest.warns(UserWarning, match=r"look like 12 x 12 .*image_shape=\(12, 12, 4\)"):
            assert cnn().fit(rows, Y).image_shape_ == (24, 24, 1)
        with pytest.warns(UserWarning, match="look like 12 x 12"):
            ImageResizer((4, 4)).fit(rows)
        assert cnn(image_shape=(24, 24)).fit(rows, Y).image_shape_ == (24, 24, 1)
        assert cnn(image_shape=(12, 12, 4)).fit(rows, Y).image_shape_ == (12, 12, 4)
    planes = np.moveaxis(opaque, -1, 1).reshape(20, -1)
    with pytest.warns(UserWarning, match=r"np.moveaxis\(X.reshape\(-1, 4, 12, 12\), 1, -1\)"):
        cnn().fit(planes, Y)
    np.testing.assert_array_equal(np.moveaxis(planes.reshape(-1, 4, 12, 12), 1, -1), opaque)


# -- other forms -----------------------------------------------------------------------------

WAYS_OUT = {
    "strings in a Series": (pd.Series(STRINGS), "PixelParser reads strings of pixels"),
    "strings in a list": (STRINGS, "PixelParser reads strings of pixels"),
    "strings in a table": (pd.DataFrame({"pixels": STRINGS}), "PixelParser reads strings"),
    "labels in a table": (
        pd.DataFrame(IMAGES.reshape(20, -1)).assign(emotion=Y).rename(columns=str),
        "str in the columns emotion, expected numbers",
    ),
    "arrays in a Series": (pd.Series(list(IMAGES)), "np.stack(list(X))"),
    "arrays in a table": (pd.DataFrame({"face": list(IMAGES)}), "np.stack(list(X))"),
    "paths": ([Path("a.png")] * 20, "ImageReader reads files"),
    "one path": (Path("face.png"), "ImageReader reads files"),
    "a data set": (
        torch.utils.data.TensorDataset(torch.from_numpy(IMAGES), torch.arange(20)),
        "np.stack([np.asarray(image) for image, label in dataset])",
    ),
    "a loader": (torch.utils.data.DataLoader(list(IMAGES)), "np.stack("),
    "pairs": (list(zip(IMAGES, range(20), strict=True)), "np.stack([image for image, label in X])"),
    "a Bunch": (Bunch(data=IMAGES, images=IMAGES), "pass X['images'], and the labels as y"),
    "a generator": ((image for image in IMAGES), "np.stack(list(X))"),
    "sizes that differ": ([np.zeros((8, 8)), np.zeros((8, 9))], "expected images of one size"),
    "Pillow images of two sizes": (
        [Image.new("L", (8, 8)), Image.new("L", (8, 9))],
        "resize the Pillow images to one size",
    ),
    "channels first": (torch.zeros(20, 3, 12, 12), "np.moveaxis(X, 1, -1)"),
}


@pytest.mark.parametrize("form", WAYS_OUT)
@pytest.mark.parametrize("use", ["fit", "predict", "transformer"])
def test_other_forms_are_refused_with_the_way_out(form, use, fitted):
    X, words = WAYS_OUT[form]
    calls = {
        "fit": lambda: dense().fit(X, Y),
        "predict": lambda: fitted.predict(X),
        "transformer": lambda: ImageResizer((4, 4)).transform(X),
    }
    with pytest.raises(ValueError, match="got X of") as raised:
        calls[use]()
    assert words in str(raised.value)


@pytest.fixture(scope="module")
def fitted():
    return dense().fit(IMAGES, Y)


def test_one_image_is_refused_with_the_way_out(fitted):
    for one in (IMAGES[0], IMAGES[0][..., None], torch.from_numpy(IMAGES[0])):
        with pytest.raises(ValueError, match=r"which is one image.* X\[None\]"):
            fitted.predict_proba(one)
    assert fitted.predict_proba(IMAGES[0][None]).shape == (1, 2)
    with pytest.raises(ValueError, match=r"X has 12 and y has 1; one image is X\[None\]"):
        dense().fit(IMAGES[0], Y[:1])
    colour = dense().fit(np.zeros((4, 5, 6, 3)), Y[:4])
    with pytest.raises(ValueError, match=r"got X of shape \(5, 6, 3\), which is one image"):
        colour.predict(np.zeros((5, 6, 3)))
    square = dense(image_shape=(12, 1)).fit(np.eye(12), Y[:12])
    assert square.predict(np.eye(12)).shape == (12,)  # as many rows as columns are many rows


@pytest.mark.parametrize(
    "form",
    [
        torch.from_numpy(IMAGES),
        torch.from_numpy(IMAGES).to(torch.bfloat16).requires_grad_(),
        list(torch.from_numpy(IMAGES)),
        [Image.fromarray(image) for image in IMAGES],
        IMAGES.astype(np.uint16),
        IMAGES.astype(object),
        IMAGES.reshape(20, -1).astype(object),
    ],
    ids=["tensor", "bfloat16", "tensors", "Pillow", "16 bits", "objects", "rows of objects"],
)
def test_forms_of_the_same_images(form, fitted):
    np.testing.assert_allclose(fitted.predict_proba(form), fitted.predict_proba(IMAGES), atol=1e-6)
    small = ImageResizer((4, 4)).transform(form)
    np.testing.assert_allclose(
        small.reshape(20, -1), ImageResizer((4, 4)).transform(IMAGES).reshape(20, -1), atol=1.0
    )
