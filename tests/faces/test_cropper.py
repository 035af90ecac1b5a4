"""`FaceCropper`: one crop per photograph, in a pipeline and in a model file."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier, load_model, load_pretrained, save_model
from sk_fer.datasets import make_faces
from sk_fer.faces import DetectedFaces, FaceCropper, FaceDetector
from sk_fer.faces._crop import Square, cut, square_of

ASTRONAUT = data.astronaut()[:240, 100:340]
NOTHING = data.coffee()[:200, :200]


def test_crops_the_largest_face():
    small = Image.new("RGB", (400, 240), "gray")
    small.paste(Image.fromarray(ASTRONAUT).resize((120, 120)), (260, 60))
    one = FaceCropper(detector="lbp").fit_transform([small])
    small.paste(Image.fromarray(ASTRONAUT), (0, 0))
    photos = [ASTRONAUT, small]
    crops = FaceCropper(detector="lbp").fit_transform(photos)
    assert (crops.shape, crops.dtype) == ((2, 48 * 48), np.uint8)
    difference = np.abs(crops[0].astype(int) - crops[1])
    assert difference.mean() < 8 < np.abs(crops[0].astype(int) - one[0]).mean()
    faces, found = FaceCropper(detector="lbp").open().find(small)
    assert len(faces) == len(found) == 2
    assert_array_equal(found[0].ravel(), crops[1])


def test_size_and_color_of_the_crops():
    cropper = FaceCropper((20, 30), color=True, detector="lbp")
    assert cropper.fit_transform([ASTRONAUT]).shape == (1, 20, 30, 3)
    assert (cropper.image_shape_, cropper.n_features_out_) == ((20, 30, 3), 1800)
    assert FaceCropper(5).get_feature_names_out()[-1] == "pixel_24"


def test_cut_gives_the_pixels_of_the_square():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (60, 80), dtype=np.uint8)
    assert_array_equal(cut(picture, Square(30, 20, 16), (16, 16)), picture[12:28, 22:38])
    assert_array_equal(cut(picture, Square(30, 20, 16, 0.0), (8, 16)).shape, (8, 16))


def test_cut_takes_squares_whose_edges_are_rounded():
    picture = np.full((60, 80), 7, np.uint8)
    side = 1.1 * 25  # 27.500000000000004
    assert (cut(picture, Square(30.75, 30.75, side), (4, 4)) == 7).all()
    assert (cut(picture, Square(35.25, 35.25, side), (4, 4)) == 7).all()


def test_cut_repeats_the_edge_outside_of_the_picture():
    picture = np.arange(80, dtype=np.uint8)[None].repeat(60, axis=0)
    crop = cut(picture, Square(0, 30, 20), (20, 20))
    assert (crop[:, :10] == 0).all()
    assert_array_equal(crop[0, 10:], np.arange(10))


def height_of_two_eyes(picture, square):
    """Return the number of rows between the highest and the lowest white pixel in a crop."""
    rows = cut(picture, square, (60, 60)).max(axis=1)
    return np.ptp(np.flatnonzero(rows > 128))


def test_align_levels_the_eyes():
    picture = np.zeros((100, 100), np.uint8)
    eyes = np.array([(31, 43), (69, 57)])  # 20 degrees
    for x, y in eyes:
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    landmarks = np.concatenate([eyes, np.full((3, 2), 60)])[None].astype(float)
    box = np.array([[20.0, 20, 60, 60]])
    faces = DetectedFaces(0, (100, 100), box, np.ones(1), landmarks, "yunet")
    aligned, upright = square_of(faces, 0), square_of(faces, 0, align=False)
    assert_allclose((aligned.angle, upright.angle), (20.2, 0), atol=0.1)
    assert height_of_two_eyes(picture, aligned) < 8
    assert height_of_two_eyes(picture, upright) > 14


@pytest.mark.parametrize("box", [(200, 0, 20, 20), (0, -90, 20, 20), (0, 0, 9000, 9000)])
def test_a_box_outside_of_the_picture_is_an_error(box):
    faces = DetectedFaces(0, (60, 80), np.array([box], float), np.ones(1), None, "lbp")
    with pytest.raises(ValueError, match=r"is outside of the picture of 60 x 80 pixels"):
        cut(np.zeros((60, 80), np.uint8), square_of(faces, 0), (48, 48))


def test_margin_adds_to_each_side():
    faces = DetectedFaces(0, (90, 90), np.array([[10.0, 10, 40, 40]]), np.ones(1), None, "lbp")
    assert_allclose(square_of(faces, 0, margin=0.25).side, 1.5 * square_of(faces, 0).side)


def test_a_photograph_without_a_face_is_named_or_a_row_of_nan(tmp_path):
    Image.fromarray(NOTHING).save(tmp_path / "coffee.png")
    photos = [ASTRONAUT, tmp_path / "coffee.png", NOTHING]
    with pytest.raises(ValueError, match=r"no face was found in \S*coffee.png, image 2; leave out"):
        FaceCropper(detector="lbp").transform(photos)
    crops = FaceCropper(detector="lbp", missing="nan").transform(photos)
    assert np.isnan(crops).all(axis=1).tolist() == [False, True, True]
    assert_array_equal(crops[:1], FaceCropper(detector="lbp").transform(photos[:1]))


@pytest.mark.parametrize("side", [24, 48, 64])
def test_small_images_are_faces_already_and_used_whole(side):
    X, _ = make_faces(1, random_state=0)
    face = Image.fromarray(X.reshape(48, 48)).resize((side, side))
    faces, (crop,) = FaceCropper(side, detector="lbp").open().find(face)
    assert faces.detector == "whole"
    assert faces.boxes.tolist() == [[0, 0, side, side]]
    assert_array_equal(crop, face)


def test_an_image_that_its_face_fills_is_used_whole():
    tight = ASTRONAUT[50:190, 55:190]
    faces, (crop,) = FaceCropper(detector="lbp").open().find(tight)
    assert faces.detector == "whole"
    expected = Image.fromarray(tight).convert("L").resize((48, 48), Image.Resampling.BILINEAR)
    assert_array_equal(crop, expected)
    assert FaceCropper(detector="lbp").open().find(ASTRONAUT)[0].detector == "lbp"


@pytest.mark.parametrize("shape", [(48, 48), (1, 1), (30, 64), (1, 40)])
def test_small_images_of_one_colour_and_strips_are_no_faces(shape):
    faces, crops = FaceCropper(detector="lbp").open().find(np.full(shape, 90, np.uint8))
    assert len(faces) == len(crops) == 0


def test_a_pipeline_goes_from_paths_to_labels_and_into_a_model_file(tmp_path):
    Image.fromarray(ASTRONAUT).save(tmp_path / "astronaut.png")
    paths = [tmp_path / "astronaut.png"]
    pipeline = make_pipeline(FaceCropper(detector="lbp"), load_pretrained())
    assert pipeline.predict(paths).tolist() == ["happy"]
    save_model(pipeline, tmp_path / "model.skfer")
    again = load_model(tmp_path / "model.skfer")
    assert again[0].get_params() == pipeline[0].get_params()
    assert_array_equal(again.predict_proba(paths), pipeline.predict_proba(paths))


def test_a_pipeline_is_trained_on_crops():
    X, y = make_faces(28, random_state=0)
    images = [Image.fromarray(x.reshape(48, 48)) for x in X]
    model = make_pipeline(FaceCropper(detector="lbp"), FERDenseClassifier((8,), max_epochs=1))
    assert model.fit(images, y).predict(images).shape == (28,)
    model.set_params(facecropper__detector=FaceDetector("whole"))
    assert model.predict(images).shape == (28,)


def test_a_model_file_contains_the_name_of_a_detector_only(tmp_path):
    pipeline = make_pipeline(FaceCropper(detector=FaceDetector("lbp")), load_pretrained())
    message = "detector of FaceCropper: .* Call set_params to set another detector before save"
    with pytest.raises(TypeError, match=message):
        save_model(pipeline, tmp_path / "model.skfer")


def test_pandas_output_has_a_column_per_pixel():
    cropper = FaceCropper(8, detector="lbp").set_output(transform="pandas")
    assert cropper.fit_transform([ASTRONAUT]).columns[-1] == "pixel_63"
    with pytest.raises(ValueError, match="cannot contain images of shape"):
        cropper.set_params(color=True).fit_transform([ASTRONAUT])


@pytest.mark.parametrize(
    "parameters",
    [{"detector": "best"}, {"margin": -0.5}, {"align": 1}, {"missing": "skip"}, {"image_size": 0}],
)
def test_parameters_are_checked(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        FaceCropper(**parameters).fit([ASTRONAUT])
