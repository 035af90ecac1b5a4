import time

import numpy as np
import pytest

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
