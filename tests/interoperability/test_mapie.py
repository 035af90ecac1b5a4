"""MAPIE's prediction sets contain the true label as often as promised."""

import numpy as np
import pytest

pytest.importorskip("mapie")
pytestmark = pytest.mark.slow


def test_sets_of_a_fitted_network_have_the_promised_coverage(fitted):
    from mapie.classification import SplitConformalClassifier

    from sk_fer.datasets import make_faces

    X, y = make_faces(2100, image_size=24, noise=0.01, occlusion=0, random_state=1)
    rows = np.isin(y, fitted.classes_)
    X, y = X[rows], y[rows]
    sets = SplitConformalClassifier(fitted, confidence_level=0.9, prefit=True)
    sets.conformalize(X[:450], y[:450])
    labels, contained = sets.predict_set(X[450:])
    contained = contained[:, :, 0]
    np.testing.assert_array_equal(labels, fitted.predict(X[450:]))
    true = np.searchsorted(fitted.classes_, y[450:])
    coverage = contained[np.arange(len(true)), true].mean()
    # Binomial noise of 450 faces to set the threshold and 450 to count: 0.02.
    assert 0.84 < coverage < 0.96
    assert contained.sum(axis=1).mean() < 2.5


def test_cross_conformal_fits_clones(network, three_expressions):
    from mapie.classification import CrossConformalClassifier

    X, y = three_expressions
    sets = CrossConformalClassifier(network, confidence_level=0.8, cv=3, random_state=0)
    sets.fit_conformalize(X[:200], y[:200])
    _, contained = sets.predict_set(X[200:])
    true = np.searchsorted(np.unique(y), y[200:])
    assert contained[np.arange(len(true)), true, 0].mean() > 0.65
    assert contained[:, :, 0].sum(axis=1).mean() < 2.5
