import numpy as np
import pytest
from PIL import Image
from sklearn.utils import Bunch

from sk_fer.datasets import load_image_folder, make_faces
from sk_fer.inspection import ContactSheetDisplay
from sk_fer.model_selection import describe_faces


def test_a_good_data_set_has_nothing_suspicious():
    faces = make_faces(140, return_X_y=False)
    description = describe_faces(faces)
    assert description.counts["all"].to_dict() == dict.fromkeys(faces.target_names, 20)
    assert description.suspicious == []
    assert description.file_sizes == description.file_kinds == {}
    assert description.groups is None


def test_counts_sizes_and_depths_of_files(tmp_path):
    for place, size, mode in (
        ("train/happy/1.png", (12, 12), "L"),
        ("train/sad/2.png", (12, 12), "L"),
        ("test/happy/3.jpg", (20, 12), "RGB"),
    ):
        (tmp_path / place).parent.mkdir(parents=True)
        Image.new(mode, size, 9).save(tmp_path / place)
    description = describe_faces(load_image_folder(tmp_path, image_size=10))
    assert description.counts.loc["happy"].to_dict() == {"train": 1, "test": 1, "all": 2}
    assert description.file_sizes == {(12, 12): 2, (12, 20): 1}
    assert description.file_kinds == {"PNG L": 2, "JPEG RGB": 1}
    assert description.image_shape == (10, 10)


@pytest.fixture
def bad():
    """Thirty images: copies across splits, persons in both, blank images, and rare classes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 8, 8), dtype=np.uint8)
    images[29] = images[0]
    images[7] = 5
    return Bunch(
        images=images,
        target=np.array(["happy"] * 25 + ["sad"] * 3 + ["bored"] * 2),
        usage=np.array(["train"] * 28 + ["test"] * 2),
        groups=np.array(["a", "b"] * 15),
        groups_kind="person",
        skipped=[("x.png", "x.png: not a readable image")],
        missing=["gone.png"],
        extra=[],
    )


def test_what_looks_wrong(bad):
    assert describe_faces(bad).suspicious == [
        "Classes with fewer than 10 images: bored (2), sad (3).",
        "Classes without images in the train split: bored.",
        "Classes without images in the test split: happy, sad.",
        "Classes that are not expressions, among others that are: bored.",
        "1 of 30 images is a copy of another one. 1 of test is in train as well. 1 group of copies "
        "has differing labels.",
        "2 groups (person) have images in several splits.",
        "There are fewer than three groups (person), too few for training and tests.",
        "1 image has one colour only, rows 7.",
        "1 rows or files are left out because they are bad: x.png: not a readable image.",
        "1 files that the list names are missing, the first: gone.png.",
    ]
    assert describe_faces(bad).groups == {
        "kind": "person",
        "n_groups": 2,
        "smallest": 15,
        "median": 15.0,
        "largest": 15,
    }


def test_rare_classes_and_pictures_that_are_not_cropped(tmp_path):
    for name, count in (("happy", 210), ("sad", 10)):
        (tmp_path / name).mkdir()
        for i in range(count):
            pixels = np.random.default_rng(i).integers(0, 256, (8, 16), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    faces = load_image_folder(tmp_path)
    faces.target = np.array(["happy"] * 210 + ["sad"] * 10)
    suspicious = describe_faces(faces).suspicious
    assert suspicious[0] == (
        "Classes with fewer than 1/20 of the images of the largest class: sad (10)."
    )
    assert "220 of 220 files are far from square" in suspicious[-1]


def test_shares_and_missing_labels(bad):
    shares = Bunch(images=bad.images, target=np.eye(2)[[0] * 30], target_names=["happy", "sad"])
    assert describe_faces(shares).counts["all"].to_dict() == {"happy": 30}
    assert describe_faces(Bunch(images=bad.images, target=None)).counts.index.tolist() == [
        "no label"
    ]
    with pytest.raises(ValueError, match="the data set has no images"):
        describe_faces(Bunch(images=bad.images[:0], target=None))


@pytest.mark.parametrize("shape", [(8, 8), (100, 50), (8, 8, 3)])
def test_a_contact_sheet_has_a_row_for_each_class(shape):
    images = np.zeros((6, *shape), dtype=np.uint8)
    images[:] = np.arange(6, dtype=np.uint8).reshape(-1, *[1] * len(shape)) * 40
    faces = Bunch(images=images, target=np.array(["sad", "happy"] * 3))
    display = ContactSheetDisplay.from_bunch(faces, n_images=4)
    assert display.class_names == ["happy", "sad"]
    assert display.sheet.shape == (128, 256, 3)
    assert display.sheet[8, [8, 72, 136], 0].tolist() == [40, 120, 200]
    assert display.sheet[72, [8, 72, 136], 0].tolist() == [0, 80, 160]
    assert (display.sheet[:, 192:] == 255).all()
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["happy", "sad"]


def test_a_contact_sheet_needs_labels():
    with pytest.raises(ValueError, match="the data set has no labels"):
        ContactSheetDisplay.from_bunch(Bunch(images=np.zeros((1, 2, 2)), target=None))
