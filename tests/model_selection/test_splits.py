import numpy as np
import pytest
from sklearn.utils import Bunch

from sk_fer.datasets import load_ckplus, make_faces
from sk_fer.model_selection import make_splits

SPLITS = ("train", "validation", "test")


def assign_splits(y, *, usage=None, groups=None, **options):
    return make_splits(Bunch(target=y, usage=usage, groups=groups), **options)


def _counts(y, splits):
    """Return the images of each class in training, validation and test."""
    return {
        str(name): [int(((splits == split) & (y == name)).sum()) for split in SPLITS]
        for name in np.unique(y)
    }


@pytest.mark.parametrize(
    ("test_size", "counts"),
    [
        (0.1, [80, 10, 10]),
        (0.15, [70, 15, 15]),
        (0.2, [60, 20, 20]),
        (0.3, [40, 30, 30]),
        (0.33, [34, 33, 33]),
        (0.4, [20, 40, 40]),
    ],
)
def test_sets_a_share_of_each_class_aside(test_size, counts):
    y = np.repeat(["happy", "sad", "fear"], 100)
    splits = assign_splits(y, test_size=test_size)
    assert _counts(y, splits) == dict.fromkeys(("fear", "happy", "sad"), counts)


def test_classes_of_different_size_keep_their_shares():
    y = np.repeat(["a", "b", "c"], [1000, 200, 20])
    counts = _counts(y, assign_splits(y, test_size=0.3, random_state=3))
    for name, size in (("a", 1000), ("b", 200), ("c", 20)):
        assert counts[name] == pytest.approx([0.4 * size, 0.3 * size, 0.3 * size], abs=1)


def test_rare_classes_stay_in_training():
    y = np.repeat(["often", "once", "twice"], [57, 1, 2])
    for seed in range(20):
        counts = _counts(y, assign_splits(y, test_size=0.3, random_state=seed))
        assert counts["once"] == [1, 0, 0]
        assert counts["twice"][0] >= 1
        assert [sum(split) for split in zip(*counts.values(), strict=True)] == [24, 18, 18]


def test_the_seed_decides():
    _, y = make_faces(140, random_state=0)
    one, again, other = (assign_splits(y, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.3])
def test_groups_stay_together_and_the_share_is_near(test_size):
    rng = np.random.default_rng(0)
    groups = rng.choice(60, 600, p=rng.dirichlet(np.ones(60)))  # few images of some people
    y = rng.choice(["happy", "sad"], 600, p=[0.7, 0.3])
    splits = assign_splits(y, groups=groups, test_size=test_size)
    people = [set(groups[splits == split]) for split in SPLITS]
    assert sum(map(len, people)) == len(set(groups))
    for split in SPLITS[1:]:
        assert (splits == split).mean() == pytest.approx(test_size, abs=0.01)
        assert (y[splits == split] == "sad").mean() == pytest.approx((y == "sad").mean(), abs=0.03)


def test_three_groups_of_any_size_make_three_splits():
    groups = np.repeat(["a", "b", "c"], [1, 1, 98])
    splits = assign_splits(np.tile([0, 1], 50), groups=groups)
    assert sorted(splits[[0, 1]]) == ["test", "validation"]
    assert set(splits[2:]) == {"train"}


def test_splits_of_the_data_set_are_kept():
    usage = ["Training", "PublicTest", "PrivateTest", "val"]
    splits = assign_splits(["a", "b", "a", "b"], usage=usage)
    assert splits.tolist() == ["train", "validation", "test", "validation"]
    assert assign_splits(["a", "b"], usage=["train", "val"]).tolist() == ["train", "validation"]


def test_a_validation_split_that_is_missing_is_taken_from_training():
    y = np.repeat(["a", "b"], 50)
    usage = np.tile(["train"] * 4 + ["test"], 20)
    splits = assign_splits(y, usage=usage, test_size=0.3)
    assert _counts(y, splits) == {"a": [28, 12, 10], "b": [28, 12, 10]}
    np.testing.assert_array_equal(splits == "test", usage == "test")


def test_a_single_split_is_not_used():
    y = np.repeat(["a", "b"], 50)
    splits = assign_splits(y, usage=["test"] * 100)
    assert _counts(y, splits) == {"a": [40, 5, 5], "b": [40, 5, 5]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"test_size": 0.5}, "'test_size'"),
        ({"test_size": 0}, "'test_size'"),
        ({"y": [0, 1], "test_size": 0.1}, "2 images of 2 classes are too few to set 0.1"),
        ({"y": [0] * 7 + [1, 2, 3], "test_size": 0.4}, "10 images of 4 classes are too few"),
        ({"groups": [0] * 10 + [1] * 10}, "there are 2 groups, .* expected 3 or more"),
        ({"usage": ["test"] * 10 + ["validation"] * 10}, "no training images, only test and val"),
        (
            {"usage": ["train"] * 10 + ["extra"] * 10},
            "usage has 'extra', which is not a known name",
        ),
        ({"usage": ["train"]}, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_split_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        assign_splits(**{"y": np.tile([0, 1], 10), **arguments})


def test_real_subjects_stay_together(data_folder):
    faces = load_ckplus(data_folder / "CK+48")
    splits = make_splits(faces, test_size=0.3)
    people = [set(faces.groups[splits == split]) for split in SPLITS]
    assert sum(map(len, people)) == len(set(faces.groups))
    shares = [(splits == split).mean() for split in SPLITS]
    assert shares == pytest.approx([0.4, 0.3, 0.3], abs=0.01)


@pytest.fixture
def people():
    """Forty images of ten people, with official splits that share no person."""
    groups = np.repeat(np.arange(10), 4)
    return Bunch(
        target=np.tile(["happy", "sad"], 20),
        groups=groups,
        groups_kind="person",
        usage=np.where(groups < 8, "train", "test"),
    )


def persons(bunch, splits):
    return [set(bunch.groups[splits == split].tolist()) for split in SPLITS]


def test_the_default_keeps_official_splits_and_sets_persons_aside(people):
    splits = make_splits(people, test_size=0.25)
    np.testing.assert_array_equal(splits, make_splits(people, by="usage", test_size=0.25))
    train, validation, test = persons(people, splits)
    assert test == {8, 9}
    assert len(validation) == 2
    assert not train & validation


def test_by_group_makes_other_splits_than_the_official_ones(people):
    found = [persons(people, make_splits(people, by="group", random_state=i)) for i in range(9)]
    assert all(sum(map(len, each)) == 10 for each in found)
    assert any(test - {8, 9} for _, _, test in found)
    people.usage = None
    assert sum(map(len, persons(people, make_splits(people)))) == 10


def test_by_label_ignores_persons_and_says_so(people):
    with pytest.warns(UserWarning, match='images of one person are in several .* by="group"'):
        splits = make_splits(people, by="label", test_size=0.25)
    assert _counts(people.target, splits) == {"happy": [10, 5, 5], "sad": [10, 5, 5]}
    assert sum(map(len, persons(people, splits))) > 10


def test_official_splits_that_share_persons_are_warned_of(people):
    people.usage[1] = "test"
    with pytest.warns(
        UserWarning, match=r"1 of 10 groups \(person\) have images in several splits"
    ):
        make_splits(people)


def test_shares_are_split_by_the_largest():
    target = np.eye(2)[np.tile([0, 1], 20)] * 0.6 + 0.2
    splits = make_splits(Bunch(target=target), test_size=0.25)
    assert _counts(target.argmax(axis=1), splits) == {"0": [10, 5, 5], "1": [10, 5, 5]}


@pytest.mark.parametrize(
    ("bunch", "by", "message"),
    [
        (Bunch(target=[0, 1] * 9), "usage", "the data set has no splits or one split only"),
        (Bunch(target=[0, 1] * 9), "group", "the data set has no groups"),
        (Bunch(target=None), "auto", "the images have no labels"),
        (Bunch(target=[0, 1] * 9), "person", "'by'"),
    ],
)
def test_what_the_data_set_has_not(bunch, by, message):
    with pytest.raises(ValueError, match=message):
        make_splits(bunch, by=by)
