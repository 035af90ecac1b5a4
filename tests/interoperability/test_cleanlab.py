"""cleanlab finds wrong labels from the cross-validated probabilities of our classifiers."""

import numpy as np
import pytest
from sklearn.preprocessing import LabelEncoder

pytest.importorskip("cleanlab")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def flipped(three_expressions):
    """Faces of which 24 of 240 have a wrong label, as integers: (X, labels, is_wrong)."""
    X, y = three_expressions
    labels = LabelEncoder().fit_transform(y)
    rng = np.random.default_rng(0)
    is_wrong = np.zeros(len(labels), dtype=bool)
    is_wrong[rng.choice(len(labels), 24, replace=False)] = True
    labels[is_wrong] = (labels[is_wrong] + rng.integers(1, 3, 24)) % 3
    return X, labels, is_wrong


def test_clean_learning_finds_flipped_labels(network, flipped):
    from cleanlab.classification import CleanLearning

    X, labels, is_wrong = flipped
    learner = CleanLearning(network, cv_n_folds=3, seed=0)
    found = learner.find_label_issues(X, labels)["is_label_issue"].to_numpy()
    assert is_wrong[found].mean() > 3 * is_wrong.mean()
    assert found[is_wrong].mean() > 0.5


def test_clean_learning_fits_without_them(network, flipped, three_expressions):
    from cleanlab.classification import CleanLearning

    X, labels, _ = flipped
    true = LabelEncoder().fit_transform(three_expressions[1])
    learner = CleanLearning(network, cv_n_folds=3, seed=0).fit(X, labels)
    assert learner.clf.score(X, true) > 0.9
    np.testing.assert_array_equal(learner.clf.classes_, [0, 1, 2])
