"""dask's joblib backend fits our classifiers like local processes."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import cross_validate

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


def test_the_same_scores_as_without(network, three_expressions):
    from distributed import Client

    X, y = three_expressions
    local = cross_validate(network, X, y, cv=2, return_estimator=True)
    with (
        Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as _,
        joblib.parallel_backend("dask"),
    ):
        remote = cross_validate(network, X, y, cv=2, return_estimator=True)
    np.testing.assert_array_equal(remote["test_score"], local["test_score"])
    for mine, theirs in zip(local["estimator"], remote["estimator"], strict=True):
        np.testing.assert_allclose(theirs.predict_proba(X), mine.predict_proba(X), atol=1e-5)
