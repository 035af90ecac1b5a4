import io

import numpy as np
import pytest
from PIL import Image
from sklearn.utils import Bunch

from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.model_selection import deduplicate, find_duplicates, leak_report


def compressed(image):
    """Return the image after it was saved as JPEG in a larger size."""
    file = io.BytesIO()
    Image.fromarray(image).resize((96, 96)).save(file, "JPEG", quality=70)
    return np.asarray(Image.open(file).resize((48, 48)))


@pytest.fixture(scope="module")
def train():
    return make_faces(28, return_X_y=False, random_state=0)


@pytest.fixture(scope="module")
def test(train):
    """Ten other faces, then two exact and two near copies; the last one of each is mislabelled."""
    other = make_faces(10, return_X_y=False, random_state=1)
    copies = [train.images[3], train.images[4], *map(compressed, train.images[5:7])]
    labels = [train.target[3], "bored", train.target[5], "bored"]
    return Bunch(
        images=np.concatenate([other.images, copies]),
        target=np.concatenate([other.target, labels]),
    )


def test_leaks_are_counted_by_class(train, test):
    report = leak_report(train, test)
    assert report.pairs.tolist() == [[3, 10], [4, 11], [5, 12], [6, 13]]
    assert np.flatnonzero(report.exact).tolist() == [10, 11]
    assert np.flatnonzero(report.leaked).tolist() == [10, 11, 12, 13]
    assert report.conflicting.tolist() == [[4, 11], [6, 13]]
    assert report.table.loc["all"].tolist() == [14, 2, 2, 2]
    assert report.table.loc["bored"].tolist() == [2, 1, 1, 2]
    assert report.table.index.tolist() == [*np.unique(test.target), "all"]
    assert report.table.iloc[:-1].sum().tolist() == [14, 2, 2, 2]
    assert report.summary == (
        "4 of 14 test images are copies of a training image: 2 exact and 2 near. 2 of them have "
        "another label than a training image."
    )


def test_a_test_image_with_several_copies_counts_once(train, test):
    twice = Bunch(
        images=np.concatenate([train.images, train.images]),
        target=np.concatenate([train.target, train.target]),
    )
    report = leak_report(twice, test)
    assert len(report.pairs) == 8
    assert report.table.loc["all"].tolist() == [14, 2, 2, 2]


def test_images_of_one_colour_are_exact_copies_only():
    blank = Bunch(images=np.zeros((1, 8, 8), dtype=np.uint8), target=["sad"])
    other = Bunch(images=np.full((1, 8, 8), 9, dtype=np.uint8), target=["sad"])
    assert leak_report(blank, blank).table.loc["all"].tolist() == [1, 1, 0, 0]
    assert leak_report(blank, other).table.loc["all"].tolist() == [1, 0, 0, 0]


def test_without_leaks(train):
    other = make_faces(10, return_X_y=False, random_state=1)
    report = leak_report(train, other)
    assert report.summary == "None of 10 test images is a copy of a training image."
    assert report.pairs.shape == report.conflicting.shape == (0, 2)


def test_shares_stand_for_their_largest_class(train):
    names = np.unique(train.target)
    shares = (train.target[:, None] == names) * 0.8 + 0.2 / len(names)
    with_shares = Bunch(images=train.images, target=shares, target_names=names.tolist())
    report = leak_report(train, with_shares)
    assert report.table.loc["all"].tolist() == [28, 28, 0, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": None}, "without images or labels"),
        ({"images": np.empty((0, 8, 8), dtype=np.uint8), "target": []}, "without images or labels"),
        ({"target": ["sad"]}, "inconsistent numbers of samples"),
        ({"images": np.zeros((28, 8, 8))}, "expected uint8"),
    ],
)
def test_bad_data_sets(train, changed, message):
    with pytest.raises(ValueError, match=message):
        leak_report(train, Bunch(**{**train, **changed}))


@pytest.mark.parametrize("flat", [False, True])
def test_near_copies_are_grouped_with_exact_ones(train, flat):
    images = np.concatenate([train.images, train.images[:1], [compressed(train.images[0])]])
    found = find_duplicates(images.reshape(30, -1) if flat else images, near=0.98)
    assert [group.tolist() for group in found.groups] == [[0, 28, 29]]
    assert found.group_ids.tolist() == [*range(28), 0, 0]
    exact = find_duplicates(images)
    assert [group.tolist() for group in exact.groups] == [[0, 28]]
    assert exact.group_ids.tolist() == [*range(29 - 1), 0, 29]


def test_mirrored_copies_are_found(train):
    mirrored = train.images[:5, :, ::-1]
    found = find_duplicates(np.concatenate([train.images, mirrored]), near=0.98)
    n_train = len(train.images)
    assert [group.tolist() for group in found.groups] == [[i, n_train + i] for i in range(5)]
    report = leak_report(train, Bunch(images=mirrored, target=train.target[:5]))
    assert report.table.loc["all"].to_dict() == {
        "images": 5, "exact": 0, "near": 5, "conflicting": 0,
    }  # fmt: skip
    assert report.pairs.tolist() == [[i, i] for i in range(5)]


def test_near_copies_without_copies(train):
    found = find_duplicates(train, near=0.98)
    assert found.groups == []
    assert found.group_ids.tolist() == list(range(28))
    with pytest.raises(ValueError, match="expected uint8"):
        find_duplicates(train.images / 255, near=0.98)


X = np.array([[1, 2], [3, 4], [1, 2], [5, 6], [5, 6], [1, 2]])


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ({}, [0, 1, 3]),
        ({"y": list("aaabba")}, [0, 1, 3]),
        ({"y": list("aaabca")}, [0, 1]),
        ({"usage": ["train"] * 2 + ["validation"] * 2 + ["test"] * 2}, [1, 4, 5]),
        ({"usage": ["Training"] * 5 + ["PublicTest"]}, [1, 3, 5]),
        ({"y": list("abcdef"), "usage": ["train"] * 5 + ["test"]}, [1, 5]),
    ],
)
def test_kept_rows(parameters, kept):
    assert deduplicate(X, **parameters).tolist() == kept


def test_kept_rows_have_no_copies_and_nothing_else_is_left_out(train):
    images = np.concatenate([train.images, [compressed(train.images[3])]])
    usage = np.array(["train"] * 28 + ["test"])
    faces = Bunch(images=images, target=np.append(train.target, train.target[3]), usage=usage)
    kept = deduplicate(faces, near=0.98)
    assert kept.tolist() == [i for i in range(29) if i != 3]
    assert find_duplicates(images[kept], near=0.98).groups == []


def test_bad_arguments_of_deduplicate(train):
    with pytest.raises(ValueError, match="got the split 'happy' in usage"):
        deduplicate(X, usage=["train"] * 5 + ["happy"])
    with pytest.raises(ValueError, match="expected a Bunch alone"):
        deduplicate(train, train.target)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        deduplicate(X, ["a"])


def test_a_lower_correlation_finds_more(train):
    images = train.images[:1]
    changed = images.copy()
    changed[0, 10:18, 10:18] = 255  # a small part is covered
    first, second = Bunch(images=images, target=["sad"]), Bunch(images=changed, target=["sad"])
    both = np.concatenate([images, changed])
    assert leak_report(first, second, near=0.5).leaked.all()
    assert not leak_report(first, second, near=0.9999).leaked.any()
    assert len(find_duplicates(both, near=0.5).groups) == 1
    assert find_duplicates(both, near=0.9999).groups == []
    assert len(find_duplicates(first, second, near=0.5).pairs) == 1
    assert len(find_duplicates(first, second, near=0.9999).pairs) == 0


@pytest.mark.parametrize("near", [0, 1, True, "near"])
def test_bad_correlations(train, near):
    for call in (
        lambda: leak_report(train, train, near=near),
        lambda: find_duplicates(train, near=near),
        lambda: deduplicate(train, near=near),
    ):
        with pytest.raises(ValueError, match=r"The 'near' parameter of .* must be a float"):
            call()


def test_leaks_of_real_images(data_folder):
    path = data_folder / "fer2013.csv"
    train, test = (load_fer2013(path, subset=subset) for subset in ("train", "validation"))
    part = Bunch(images=train.images[:4000], target=train.target[:4000])
    report = leak_report(part, test)
    assert report.exact.sum() > 20
    assert (report.leaked & ~report.exact).sum() > 5
    for i, j in report.pairs[:50]:
        image, other = part.images[i], test.images[j]
        both = [np.corrcoef(image.ravel(), each.ravel())[0, 1] for each in (other, other[:, ::-1])]
        assert max(both) > 0.8
