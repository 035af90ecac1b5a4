import sys

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from sk_fer import FERDenseClassifier
from sk_fer.model_selection import find_label_issues

NAMES = np.array(["happy", "neutral", "surprise"])


@pytest.fixture
def cleanlab():
    return pytest.importorskip("cleanlab", reason="needs sk_fer[cleanlab]")


@pytest.fixture(scope="module")
def flipped():
    """Images of noise with a bright patch for each class, of which 10 of 120 have a wrong label."""
    rng = np.random.default_rng(0)
    y = NAMES[np.arange(120) % 3]
    images = rng.integers(0, 160, (120, 8, 8), dtype=np.uint8)
    images[np.arange(120), np.arange(120) % 3 * 2] += 90
    is_wrong = np.arange(120) % 12 == 0
    y[is_wrong] = "neutral"  # they are happy
    return images.reshape(120, 64), y, is_wrong


def test_flipped_labels_are_found(cleanlab, flipped):
    X, y, is_wrong = flipped
    model = FERDenseClassifier((8,), max_epochs=8, lr=0.01, random_state=0)
    issues = find_label_issues(model, X, y, cv=3)
    table, classes = issues.table, issues.classes
    assert classes.tolist() == NAMES.tolist()
    assert table["label"].tolist() == y.tolist()
    np.testing.assert_allclose(issues.probabilities.sum(axis=1), 1, atol=1e-5)
    own = issues.probabilities[np.arange(len(y)), np.searchsorted(classes, y)]
    np.testing.assert_allclose(table["suspicion"], 1 - own, atol=1e-6)
    assert table["predicted"].tolist() == classes[issues.probabilities.argmax(axis=1)].tolist()
    worst = table.nlargest(is_wrong.sum(), "suspicion").index
    assert is_wrong[worst].mean() > 0.7
    assert is_wrong[table["is_issue"]].mean() > 0.5
    n_issues = table["is_issue"].sum()
    assert issues.summary.startswith(f"{n_issues} of {len(y)} labels (")
    accuracy = np.mean(issues.table["predicted"] == y)
    assert issues.summary.endswith(f" {accuracy:.1%} of its predictions are equal to the labels.")
    repeated = find_label_issues(model, X, y, cv=3)
    np.testing.assert_array_equal(repeated.probabilities, issues.probabilities)
    other = find_label_issues(GaussianNB(), X, y, cv=3, random_state=1)
    assert (other.probabilities != issues.probabilities).any()


def test_copies_of_an_image_are_in_one_fold(cleanlab):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (60, 64), dtype=np.uint8)
    X, y = np.concatenate([noise, noise]), np.tile(np.repeat(["angry", "happy"], 30), 2)
    model = KNeighborsClassifier(1)
    # A neighbour that is a copy has the same label, another image has it by chance.
    issues = find_label_issues(model, X, y)
    assert 0.2 < (issues.table["predicted"] == y).mean() < 0.8
    apart = find_label_issues(model, X, y, groups=np.arange(120))
    assert (apart.table["predicted"] == y).mean() > 0.8


def test_labels_can_be_integers_and_images_names_of_files_with_groups(cleanlab):
    paths = np.array([[f"{number}.png"] for number in range(20)])
    y = np.arange(20) % 2 * 7

    class Even(GaussianNB):
        def fit(self, X, y):
            return super().fit(np.zeros((len(y), 1)) + np.asarray(y)[:, None] % 5, y)

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    issues = find_label_issues(Even(), paths, y, groups=np.arange(20))
    assert issues.classes.tolist() == [0, 7]
    np.testing.assert_array_equal(issues.table["suspicion"], 0.5)
    with pytest.raises(ValueError, match="expected images as numbers") as raised:
        find_label_issues(Even(), paths, y)
    assert raised.value.__notes__ == ["Pass groups= if X does not contain images as numbers."]


X, Y = np.arange(80).reshape(20, 4), np.array(["angry", "happy"] * 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_label_issues(GaussianNB(), X, Y[:19]), "inconsistent numbers"),
        (lambda: find_label_issues(GaussianNB(), X, Y, groups=range(19)), "inconsistent numbers"),
        (lambda: find_label_issues(GaussianNB(), X, ["sad"] * 20), "y has 1 class, expected two"),
        (lambda: find_label_issues(GaussianNB(), X, Y, cv=21), "the images are in 20 groups only"),
        (lambda: find_label_issues(GaussianNB(), X, Y, cv=1), "'cv' parameter"),
        (lambda: find_label_issues(5, X, Y), "'estimator' parameter"),
        (lambda: find_label_issues(GaussianNB(), X, np.eye(2)[[0, 1] * 10]), "1d array"),
        (
            lambda: find_label_issues(GaussianNB(), X, [*Y[:15], *["sad"] * 5], groups=GROUPS),
            "all images of 'sad' are in one fold of 5",
        ),
    ],
)
def test_bad_calls(cleanlab, call, message):
    with pytest.raises(ValueError, match=message):
        call()


GROUPS = [*range(15), *[15] * 5]


def test_a_failed_fit_names_the_fold(cleanlab):
    class Fails(GaussianNB):
        def fit(self, X, y):
            raise KeyError("no such thing")

    with pytest.raises(KeyError) as raised:
        find_label_issues(Fails(), X, Y)
    assert raised.value.__notes__ == ["The fit was that of fold 1 of 5."]


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(ImportError, match=r'run pip install "\.\[cleanlab\]" in the clone'):
        find_label_issues(GaussianNB(), X, Y)
