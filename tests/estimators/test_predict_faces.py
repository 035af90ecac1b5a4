"""`predict_faces`: a row per face, a row without a label where there is no face."""

import numpy as np
import pytest
from PIL import Image
from skimage import data
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier, load_pretrained, predict_faces, predict_images
from sk_fer.datasets import make_faces
from sk_fer.faces import FaceCropper, FaceDetector

ASTRONAUT = data.astronaut()[:240, 100:340]
NOTHING = data.coffee()[:200, :200]
FIRST = ["face", "left", "top", "width", "height", "score", "detector", "label"]


@pytest.fixture(scope="module")
def model():
    return load_pretrained()


@pytest.fixture
def folder(tmp_path):
    """One photograph with two faces, one without, and a damaged file."""
    two = np.hstack([ASTRONAUT, np.array(Image.fromarray(ASTRONAUT).resize((120, 240)))])
    two[:, 240:] = 128
    two[60:180, 240:] = np.array(Image.fromarray(ASTRONAUT).resize((120, 120)))
    Image.fromarray(two).save(tmp_path / "a.png")
    Image.fromarray(NOTHING).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"text")
    return tmp_path


def test_a_row_per_face_and_a_row_without_a_label(model, folder):
    table = predict_faces(model, folder, detector="lbp", on_error="skip")
    assert table.columns.tolist() == [*FIRST, *model.classes_, "problem"]
    names = [str(folder / name) for name in ("a.png", "a.png", "b.png", "c.png")]
    assert table.index.tolist() == names
    assert table["face"].isna().tolist() == [False, False, True, True]
    assert table["label"].tolist() == ["happy", "happy", None, None]
    assert table["problem"].tolist()[:3] == [None, None, "no face found"]
    assert table["problem"].iloc[3].startswith(f"{names[3]}: not a readable image")
    assert table["width"].iloc[0] > table["width"].iloc[1]
    probabilities = table[list(model.classes_)].to_numpy()
    assert np.isnan(probabilities).all(axis=1).tolist() == [False, False, True, True]
    cropping = FaceCropper(detector="lbp").open()
    _, crops = cropping.find(folder / "a.png")
    np.testing.assert_array_equal(probabilities[:2], model.predict_proba(crops))


def test_a_bad_file_is_an_error_by_default(model, folder):
    with pytest.raises(ValueError, match=r"c\.png: not a readable image"):
        predict_faces(model, folder)
    with pytest.raises(FileNotFoundError):
        predict_faces(model, [folder / "d.png"])


def test_the_cropper_of_the_pipeline_is_used_unless_a_detector_is_given(model):
    pipeline = make_pipeline(FaceCropper(detector="whole"), model)
    (whole,) = predict_faces(pipeline, [ASTRONAUT]).itertuples()
    assert (whole.detector, whole.width, whole.height) == ("whole", 240, 240)
    (found,) = predict_faces(pipeline, [ASTRONAUT], detector=FaceDetector("lbp")).itertuples()
    assert (found.detector, found.label) == ("lbp", "happy")


def test_whole_agrees_with_predict_images(model):
    X, _ = make_faces(5, random_state=0)
    images = X.reshape(5, 48, 48)
    table = predict_faces(model, images, detector="lbp")
    assert (table["detector"] == "whole").all()
    assert table["label"].tolist() == predict_images(model, images)["label"].tolist()


def test_no_face_at_all_and_classes_of_any_name():
    X, y = make_faces(28, random_state=0)
    y = np.where(y == "happy", "label", "problem")
    model = FERDenseClassifier((4,), max_epochs=1).fit(X, y)
    table = predict_faces(model, [NOTHING], detector="lbp")
    assert len(table) == 1
    assert table.columns.tolist() == [*FIRST, "label", "problem", "problem"]
    assert table.iloc[0, 7:].isna().tolist() == [True, True, True, False]


def test_color_models_get_color_crops():
    X = np.random.default_rng(0).integers(0, 256, (8, 20, 20, 3), dtype=np.uint8)
    model = FERDenseClassifier((4,), max_epochs=1).fit(X, list("abababab"))
    assert predict_faces(model, [ASTRONAUT], detector="lbp")["label"].iloc[0] in ("a", "b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"detector": "best"}, "detector"),
        ({"on_error": "stop"}, "on_error"),
        ({"photos": ASTRONAUT}, "expected a list of photographs"),
        ({"photos": []}, "0 rows"),
        ({"model": FaceDetector()}, "model"),
    ],
)
def test_arguments_are_checked(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        predict_faces(**{"model": model, "photos": [ASTRONAUT], **arguments})
