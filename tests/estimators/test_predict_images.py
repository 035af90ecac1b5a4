import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sk_fer import FERDenseClassifier, predict_images
from sk_fer.datasets import make_faces
from sk_fer.preprocessing import ImageReader, ImageResizer, PixelParser

from ..helpers import dense

X, Y = make_faces(70, random_state=0)
IMAGES = X.reshape(-1, 48, 48)
DENSE = dense(max_epochs=1)


@pytest.fixture(scope="module")
def model():
    return dense(max_epochs=1).fit(X, Y)


@pytest.fixture(scope="module")
def folder(save_images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    save_images(X[:6], [folder / "some" / f"{i}.png" for i in range(6)])
    return folder


def probabilities(table, model):
    return table[model.classes_.tolist()].to_numpy()


def test_files_folders_arrays_and_pictures_give_the_same(model, folder):
    expected = model.predict_proba(X[:6])
    paths = sorted((folder / "some").iterdir())
    pictures = [Image.fromarray(image) for image in IMAGES[:6]]
    of_paths = predict_images(model, paths)
    assert of_paths.index.tolist() == list(map(str, paths))
    assert of_paths["label"].tolist() == model.predict(X[:6]).tolist()
    for images in (
        *(paths, folder, str(folder), pd.Series(map(str, paths)), iter(paths)),
        *(pictures, IMAGES[:6], list(IMAGES[:6]), IMAGES[:6, ..., None]),
    ):
        assert_allclose(probabilities(predict_images(model, images), model), expected, rtol=1e-5)
    assert predict_images(model, IMAGES[:6]).index.tolist() == list(range(6))
    assert predict_images(model, pictures[0]).index.tolist() == [0]


def test_any_size_and_colour_becomes_that_of_the_model(model):
    small = [Image.fromarray(image).convert("RGBA").resize((60, 55)) for image in IMAGES[:3]]
    resized = np.stack([np.asarray(image.convert("L").resize((48, 48), 2)) for image in small])
    table = predict_images(model, small)
    assert_allclose(probabilities(table, model), model.predict_proba(resized), rtol=1e-5)
    colored = np.repeat(IMAGES[:3, ..., None], 3, axis=-1)
    in_color = dense(max_epochs=1).fit(np.repeat(IMAGES[..., None], 3, axis=-1), Y)
    for images in (list(IMAGES[:3]), colored):
        found = probabilities(predict_images(in_color, images), in_color)
        assert_allclose(found, in_color.predict_proba(colored), rtol=1e-5)


def test_a_picture_that_was_opened_is_not_changed(model, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(IMAGES[0, :, :40]).save(tmp_path / "turned.png", exif=exif)
    picture = Image.open(tmp_path / "turned.png")
    of_picture = predict_images(model, [picture])
    assert picture.size == (40, 48)
    of_file = predict_images(model, [tmp_path / "turned.png"])
    assert_allclose(probabilities(of_picture, model), probabilities(of_file, model))


@pytest.mark.parametrize(
    ("pipeline", "read"),
    [
        (make_pipeline(ImageReader((24, 20), color=True), DENSE), list),
        (make_pipeline(ImageReader((24, 24), flatten=False), ImageResizer((12, 9)), DENSE), list),
        (make_pipeline("passthrough", ImageReader((12, 12)), GaussianNB()), list),
        (GridSearchCV(make_pipeline(ImageReader(8), GaussianNB()), {}, cv=2), list),
        (
            make_pipeline(PixelParser(), DENSE),
            lambda paths: [" ".join(map(str, np.asarray(Image.open(p)).ravel())) for p in paths],
        ),
    ],
)
def test_pipelines_and_searches(folder, pipeline, read):
    paths = sorted((folder / "some").iterdir())
    fitted = pipeline.fit(read(paths), ["happy", "sad"] * 3)
    found = probabilities(predict_images(fitted, paths), fitted)
    assert_allclose(found, fitted.predict_proba(read(paths)), rtol=1e-5, atol=1e-12)


def test_a_model_without_probabilities_returns_labels():
    model = LinearSVC(max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y)
    table = predict_images(model, IMAGES[:4])
    assert table.columns.tolist() == ["label"]
    assert table["label"].tolist() == model.predict(X[:4]).tolist()


def test_bad_images_are_errors_or_have_the_reason_in_their_row(model, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("text")
    good = folder / "some" / "0.png"
    images = [tmp_path / "text.png", good, IMAGES[0] / 255, tmp_path / "x.png", tmp_path / "empty"]
    table = predict_images(model, images, on_error="skip")
    assert table.index.tolist() == [str(i) if i is not images[2] else 2 for i in images]
    assert table["label"].isna().tolist() == [True, False, True, True, True]
    assert np.isnan(probabilities(table, model)[[0, 2, 3, 4]]).all()
    assert_allclose(probabilities(table, model)[[1]], model.predict_proba(X[:1]), rtol=1e-5)
    reasons = table["error"].tolist()
    assert "text.png: not a readable image" in reasons[0]
    assert pd.isna(reasons[1])
    assert "image 2: got an array of float64 and shape (48, 48), expected uint8" in reasons[2]
    assert "x.png: no such file or folder" in reasons[3]
    assert "empty: this folder contains no images" in reasons[4]
    with pytest.raises(FileNotFoundError):
        predict_images(model, images[3])
    for bad in (images[0], [images[2]], images[4]):
        with pytest.raises(ValueError, match=r"not a readable|expected uint8|contains no images"):
            predict_images(model, bad)
    twice = predict_images(model, [good, good, images[0], images[0]], on_error="skip")
    assert twice["error"].isna().tolist() == [True, True, False, False]
    none_read = predict_images(model, images[:1], on_error="skip")
    assert none_read["error"].notna().all()


@pytest.mark.parametrize("shape", [(48, 48), (48, 48, 3)])
def test_one_array_is_refused_with_the_way_out(model, shape):
    image = np.zeros(shape, dtype=np.uint8)
    with pytest.raises(ValueError, match=r"pass \[image\] for a single image"):
        predict_images(model, image)


@pytest.mark.parametrize("images", [[], 5, None, {"face.png"}])
def test_what_contains_no_images_is_refused(model, images):
    with pytest.raises(ValueError, match="expected"):
        predict_images(model, images)


@pytest.mark.parametrize("model", [dense(), make_pipeline(ImageResizer(8), dense())])
def test_a_model_that_is_not_fitted_is_refused(model):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        predict_images(model, [np.zeros((8, 8), np.uint8)])


def test_other_arguments_are_refused(model):
    with pytest.raises(ValueError, match="on_error"):
        predict_images(model, IMAGES, on_error="ignore")
    with pytest.raises(ValueError, match="model"):
        predict_images("model.skfer", IMAGES)
    four = np.repeat(IMAGES[..., None], 4, axis=-1)
    of_four = FERDenseClassifier((4,), max_epochs=1).fit(four, Y)
    with pytest.raises(ValueError, match=r"takes images of 4 channels; expected a model for gray"):
        predict_images(of_four, IMAGES)


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((640, 480), "640 x 480 pixels, and it is far from square"),
        ((60, 80), "60 x 80 pixels, and it is far from square"),
        ((1200, 1000), "1,200 x 1,000 pixels, and the model takes 48 x 48"),
        ((384, 384), "384 x 384 pixels, and the model takes 48 x 48"),
        ((383, 383), None),
        ((70, 90), None),
        ((8, 8), None),
    ],
)
def test_warns_of_pictures_that_are_probably_not_cropped_faces(model, size, reason):
    picture = Image.linear_gradient("L").resize(size)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert predict_images(model, [picture])["label"].notna().all()
    if reason is None:
        assert not caught
    else:
        (warning,) = caught
        assert str(warning.message).startswith(f"image 0: the picture has {reason}; it is probably")
        assert warning.filename == __file__


def test_warns_of_a_picture_of_one_colour(model):
    with pytest.warns(UserWarning, match="image 0: the picture has only one colour; it shows no"):
        predict_images(model, [Image.new("RGB", (48, 48), "blue")])
