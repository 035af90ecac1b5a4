import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier
from sk_fer.preprocessing import ImageReader, ImageResizer, ImageStandardizer

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 5), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    for i, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    return tmp_path


@pytest.fixture
def paths(folder):
    return [folder / f"{i}.png" for i in range(len(IMAGES))]


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        lambda paths: [str(path) for path in paths],
        lambda paths: np.array([str(path) for path in paths]),
        lambda paths: np.array(paths, dtype=object)[:, np.newaxis],
        lambda paths: pd.Series([str(path) for path in paths], index=list("fedcba")),
        lambda paths: pd.DataFrame({"any": paths}),
    ],
)
def test_reads_any_container(container, paths):
    read = ImageReader(flatten=True).fit_transform(container(paths))
    assert read.dtype == np.uint8
    assert_array_equal(read, IMAGES.reshape(6, 40))


@pytest.mark.parametrize("as_root", [str, Path])
def test_root_goes_before_relative_paths(folder, as_root):
    reader = ImageReader(root=as_root(folder), flatten=False)
    assert_array_equal(reader.fit_transform([f"{i}.png" for i in range(6)]), IMAGES)


@pytest.mark.parametrize(
    ("color", "flatten", "shape"),
    [
        (False, True, (6, 40)),
        (False, False, (6, 8, 5)),
        (True, True, (6, 120)),
        (True, False, (6, 8, 5, 3)),
        (False, "auto", (6, 8, 5)),
        (True, "auto", (6, 8, 5, 3)),
    ],
)
def test_layouts(paths, color, flatten, shape):
    reader = ImageReader(color=color, flatten=flatten)
    assert reader.fit_transform(paths).shape == shape
    assert reader.image_shape_ == (8, 5, 3 if color else 1)
    assert len(reader.get_feature_names_out()) == reader.n_features_out_ == 40 * (1 + 2 * color)


def test_gray_squares_are_flat_by_default(paths):
    assert ImageReader((8, 8)).fit_transform(paths).shape == (6, 64)
    assert ImageReader((8, 8), color=True).fit_transform(paths).shape == (6, 8, 8, 3)


def test_colour_images_go_into_our_estimators_as_images(paths):
    labels = ["happy", "sad"] * 3
    model = make_pipeline(
        ImageReader((8, 8), color=True), FERDenseClassifier((4,), max_epochs=1, random_state=0)
    ).fit(paths, labels)
    assert model[-1].image_shape_ == (8, 8, 3)


def test_several_frames_are_warned_of_once(folder):
    frames = [Image.new("L", (4, 4), tone) for tone in (10, 20, 30)]
    for name in ("a.gif", "b.gif"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match=r"2 image file\(s\) have several frames.*a.gif") as caught:
        read = ImageReader().fit_transform([folder / "a.gif", folder / "b.gif"])
    assert len(caught) == 1
    assert (read == 10).all()


def test_image_size_brings_all_to_one_size(folder, paths):
    Image.fromarray(IMAGES[0].repeat(2, axis=0)).save(folder / "tall.png")
    read = ImageReader(image_size=[8, 5], flatten=False).fit_transform(
        [*paths, folder / "tall.png"]
    )
    assert_array_equal(read[:6], IMAGES)
    tall = IMAGES[:1].repeat(2, axis=1)
    assert_array_equal(read[6:], ImageResizer(image_size=(8, 5)).fit_transform(tall))


def test_mixed_sizes_are_refused(folder, paths):
    Image.new("L", (7, 9)).save(folder / "other.png")
    reader = ImageReader().fit(paths)
    message = r"other\.png: got an image of 9 x 7 pixels, expected 8 x 5 as in fit; set image_size"
    with pytest.raises(ValueError, match=message):
        reader.transform([paths[0], folder / "other.png", paths[1]])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["gone.png"], FileNotFoundError, "gone"),
        (["text.png"], ValueError, r"text\.png: not a readable image"),
        (["0.png", None], ValueError, "X, row 1: got None, expected a path"),
        (["0.png", 3.5], ValueError, "X, row 1: got 3.5, expected a path"),
        ("0.png", ValueError, "got X of type str, expected a list or column of paths"),
        ([], ValueError, "got X with 0 rows, expected at least one of paths"),
        (np.zeros((3, 2)), ValueError, r"got X of shape \(3, 2\), expected one column of paths"),
        (pd.DataFrame({"a": ["0.png"], "b": 1}), ValueError, "expected only one with paths"),
    ],
)
def test_bad_input(folder, X, error, message):
    (folder / "text.png").write_text("no image")
    with pytest.raises(error, match=message):
        ImageReader(root=folder).fit_transform(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_size": (0, 5)}, r"got image_size=\(0, 5\), expected \(height, width\)"),
        ({"image_size": (5,)}, r"got image_size=\(5,\), expected \(height, width\)"),
        ({"image_size": (4.5, 5)}, r"got image_size=\(4.5, 5\), expected \(height, width\)"),
        ({"image_size": 0}, "'image_size' parameter of ImageReader"),
        ({"color": "yes"}, "'color' parameter of ImageReader"),
        ({"root": 3}, "'root' parameter of ImageReader"),
        ({"flatten": None}, "'flatten' parameter of ImageReader"),
    ],
)
def test_bad_parameter(paths, parameters, message):
    with pytest.raises(ValueError, match=message):
        ImageReader(**parameters).fit(paths)


def test_unfitted(paths):
    with pytest.raises(NotFittedError):
        ImageReader().transform(paths)


def test_pickle_subset_and_pandas_output(paths):
    reader = pickle.loads(pickle.dumps(ImageReader(flatten=True).fit(paths)))
    assert_array_equal(reader.transform(paths[3:4])[0], IMAGES[3].ravel())
    frame = reader.set_output(transform="pandas").transform(paths)
    assert list(frame.columns[:2]) == ["pixel_0", "pixel_1"]


def test_in_pipeline(paths):
    model = make_pipeline(
        ImageReader(flatten=True),
        ImageStandardizer(image_shape=(8, 5)),
        LogisticRegression(tol=0.1),
    )
    y = ["happy", "sad"] * 3
    assert set(model.fit(paths, y).predict(paths)) <= {"happy", "sad"}
