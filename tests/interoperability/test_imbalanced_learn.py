"""imbalanced-learn's samplers before our classifiers."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("imblearn")
pytestmark = pytest.mark.slow


@pytest.fixture
def imbalanced(three_expressions):
    """80 neutral and 80 surprised faces, 8 happy ones: (X, y)."""
    X, y = three_expressions
    rows = np.concatenate([np.flatnonzero(y != "happy"), np.flatnonzero(y == "happy")[:8]])
    return X[rows], y[rows]


def test_smote_in_a_pipeline_after_a_cast_to_float(network, imbalanced, three_expressions):
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    X, y = imbalanced
    cast = FunctionTransformer(np.float32)
    model = make_pipeline(cast, SMOTE(k_neighbors=3, random_state=0), network).fit(X, y)
    drawn, labels = model[1].fit_resample(X.astype(np.float32), y)
    assert Counter(labels.tolist()) == {"happy": 80, "neutral": 80, "surprise": 80}
    happy, new = X[y == "happy"], drawn[len(X) :]
    assert (new >= happy.min(axis=0)).all()
    assert (new <= happy.max(axis=0)).all()
    assert model.score(*three_expressions) > 0.75


def test_random_oversampling_keeps_the_bytes(network, imbalanced):
    from imblearn.over_sampling import RandomOverSampler

    X, y = imbalanced
    more, labels = RandomOverSampler(random_state=0).fit_resample(X, y)
    assert more.dtype == np.uint8
    assert network.fit(more, labels).score(X, y) > 0.9


def test_balanced_bagging_answers_in_class_names(network, imbalanced):
    from imblearn.ensemble import BalancedBaggingClassifier

    X, y = imbalanced
    network.set_params(max_epochs=30, batch_size=16)
    model = BalancedBaggingClassifier(network, n_estimators=2, random_state=0).fit(X, y)
    assert list(model.classes_) == ["happy", "neutral", "surprise"]
    assert (model.predict(X[y == "happy"]) == "happy").mean() > 0.6
