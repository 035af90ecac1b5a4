import io
import time

import numpy as np
import pytest
from PIL import Image
from sklearn.utils import Bunch

from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.model_selection import find_duplicates


@pytest.fixture
def images():
    """Twelve images; 0, 5 and 7 are the same, 1 and 8, 10 and 11."""
    X = np.random.default_rng(0).integers(0, 256, (12, 36), dtype=np.uint8)
    X[[5, 7]] = X[0]
    X[8] = X[1]
    X[11] = X[10]
    return X


def test_groups_and_redundant(images):
    found = find_duplicates(images)
    assert [group.tolist() for group in found.groups] == [[0, 5, 7], [1, 8], [10, 11]]
    assert found.n_redundant == 4
    assert found.across is None
    assert found.conflicting is None
    assert found.summary == "4 of 12 images are copies of another one."


def test_across_counts_images_of_the_row_that_the_column_has(images):
    usage = ["Training"] * 6 + ["PublicTest"] * 3 + ["PrivateTest"] * 3
    found = find_duplicates(images, usage=usage)
    assert found.across.index.tolist() == ["Training", "PublicTest", "PrivateTest"]
    assert found.across.to_numpy().tolist() == [[2, 3, 0], [2, 0, 0], [0, 0, 2]]
    assert "2 of PublicTest are in Training as well." in found.summary
    assert "PrivateTest" not in found.summary


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        (["a"] * 12, []),
        (["a"] * 7 + ["b"] + ["a"] * 4, [[0, 5, 7]]),
        ([0] * 8 + [1] * 4, [[1, 8]]),
        (np.eye(2)[[0] * 11 + [1]], [[10, 11]]),
    ],
)
def test_conflicting(images, labels, groups):
    found = find_duplicates(images, labels)
    assert [group.tolist() for group in found.conflicting] == groups
    assert ("differing labels" in found.summary) is bool(groups)


def test_no_copies(images):
    found = find_duplicates(images[[0, 1, 2]], usage=["a", "a", "b"])
    assert found.groups == []
    assert found.n_redundant == 0
    assert found.across.to_numpy().tolist() == [[0, 0], [0, 0]]
    assert found.summary == "None of 3 images is a copy of another one."


def test_layouts_and_memory_maps_agree(images, tmp_path):
    np.save(tmp_path / "X.npy", images.reshape(12, 6, 6))
    for X in (np.load(tmp_path / "X.npy", mmap_mode="r"), np.asfortranarray(images)):
        assert find_duplicates(X).n_redundant == 4


def test_real_images_in_seconds(data_folder):
    from sk_fer.datasets import load_fer2013

    faces = load_fer2013(data_folder / "fer2013.csv", subset="all")
    start = time.process_time()
    found = find_duplicates(faces.data, faces.target, usage=faces.usage)
    assert time.process_time() - start < 4
    assert found.across.loc["validation", "train"] > 250
    assert len(found.conflicting) > 20


@pytest.fixture
def two_sets():
    """Thirty drawn faces, and forty of which ten are copies in colour, larger and as JPEG."""
    first = make_faces(30, return_X_y=False, random_state=0)
    X, y = make_faces(40, random_state=1)
    images = np.empty((40, 96, 96, 3), dtype=np.uint8)
    for i, row in enumerate(X):
        pixels = first.images[i * 3] if i < 10 else row.reshape(48, 48)
        file = io.BytesIO()
        Image.fromarray(pixels).resize((96, 96)).convert("RGB").save(file, "JPEG", quality=60)
        images[i] = np.array(Image.open(file))
    target = np.where(np.arange(40) < 10, first.target[np.minimum(np.arange(40) * 3, 27)], y)
    return first, Bunch(images=images, target=target)


def test_images_that_two_data_sets_share(two_sets):
    first, second = two_sets
    second.target[[2, 4]] = "bored"
    found = find_duplicates(first, second)
    assert found.pairs.tolist() == [[3 * i, i] for i in range(10)]
    assert found.conflicting.tolist() == [[6, 2], [12, 4]]
    assert found.summary == (
        "10 of 40 images of the second data set are among the 30 of the first. 2 pairs have "
        "different labels."
    )


def test_two_data_sets_without_common_images(two_sets):
    first, second = two_sets
    rest = Bunch(images=second.images[10:], target=None)
    found = find_duplicates(first, rest)
    assert found.pairs.shape == (0, 2)
    assert found.conflicting is None


def test_images_of_one_colour_are_no_copies_of_each_other():
    blank = Bunch(images=np.full((2, 8, 8), 7, dtype=np.uint8))
    assert len(find_duplicates(blank, blank).pairs) == 0


def test_one_data_set_is_its_images_labels_and_splits(images):
    usage = np.array(["train"] * 6 + ["test"] * 6)
    bunch = Bunch(images=images.reshape(12, 6, 6), target=np.arange(12), usage=usage)
    found = find_duplicates(bunch)
    assert len(found.conflicting) == 3
    assert found.across.loc["test", "train"] == 2


def test_an_array_and_a_data_set_are_refused(images):
    with pytest.raises(ValueError, match="expected two data sets"):
        find_duplicates(images, Bunch(images=images))
    with pytest.raises(ValueError, match=r"images of shape \(12, 36\) .* expected uint8 of shape"):
        find_duplicates(Bunch(images=images), Bunch(images=images))


def test_real_images_are_found_again_as_jpeg(data_folder):
    faces = load_fer2013(data_folder / "fer2013.csv", subset="train")
    compressed = []
    for image in faces.images[1000:1300]:
        file = io.BytesIO()
        Image.fromarray(image).resize((64, 64)).save(file, "JPEG", quality=60)
        compressed.append(np.array(Image.open(file)))
    first, second = Bunch(images=faces.images[:2000]), Bunch(images=np.stack(compressed))
    pairs = find_duplicates(first, second).pairs
    assert {(1000 + i, i) for i in range(300)} <= set(map(tuple, pairs.tolist()))
    assert len(pairs) < 330  # FER2013 has copies of its own
