import numpy as np
import pytest
from sklearn.utils import Bunch

from sk_fer.datasets import load_image_folder, make_faces, merge_classes

NEGATIVE = {"negative": ["anger", "disgust", "FEAR", "sad"]}


def test_classes_become_one_and_the_others_stay():
    faces = make_faces(70, return_X_y=False)
    merged = merge_classes(faces, NEGATIVE)
    assert merged.target_names == ["happy", "negative", "neutral", "surprise"]
    was = np.isin(faces.target, ["angry", "disgust", "fear", "sad"])
    assert set(merged.target[was]) == {"negative"}
    np.testing.assert_array_equal(merged.target[~was], faces.target[~was])
    assert merged.images is faces.images
    assert "angry" in faces.target_names


def test_shares_are_added():
    bunch = Bunch(target=np.array([[0.5, 0.2, 0.3]]), target_names=["angry", "happy", "sad"])
    merged = merge_classes(bunch, {"bad": ["angry", "sad"]})
    assert merged.target_names == ["bad", "happy"]
    np.testing.assert_allclose(merged.target, [[0.8, 0.2]])


def test_a_frame_follows(tmp_path, write_image):
    for name in ("happy/1.png", "sad/2.png", "fear/3.png"):
        write_image(name, size=(4, 4))
    faces = load_image_folder(tmp_path, as_frame=True)
    merged = merge_classes(faces, {"bad": ["sad", "fear"]})
    assert merged.target.tolist() == merged.frame["target"].tolist() == ["bad", "happy", "bad"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"x": ["contempt"]}, "'contempt' is none of the classes angry, disgust"),
        ({"x": ["sad"], "y": ["sadness"]}, "'sad' is to become 'x' and 'y'"),
        ({"happy": ["surprise"]}, "'happy' is a class of the data set; add it"),
        ({"x": "sad"}, "expected lists of classes"),
        ({"": ["sad"]}, "expected lists of classes"),
        ({"x": []}, "expected lists of classes"),
    ],
)
def test_what_cannot_be_merged(classes, message):
    with pytest.raises(ValueError, match=message):
        merge_classes(make_faces(7, return_X_y=False), classes)


def test_a_new_name_may_be_one_of_the_old_ones():
    merged = merge_classes(make_faces(7, return_X_y=False), {"happy": ["happy", "surprise"]})
    assert "surprise" not in merged.target_names


def test_no_labels():
    with pytest.raises(ValueError, match="the data set has no labels"):
        merge_classes(Bunch(target=None, target_names=[]), NEGATIVE)
