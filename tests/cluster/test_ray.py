"""Ray's backend of joblib gives the scores of this process. Ray is too large for the extras."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from .. import helpers

ray = pytest.importorskip("ray", reason="ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.filterwarnings("default")]


@pytest.fixture
def two_workers(monkeypatch):
    """A Ray instance on this machine, which sends no statistics."""
    from ray.util.joblib import register_ray

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    settings = {"include_dashboard": False, "log_to_driver": False, "configure_logging": False}
    ray.init(num_cpus=2, _node_ip_address="127.0.0.1", **settings)
    register_ray()
    yield
    ray.shutdown()


def test_the_scores_are_equal(two_workers, faces):
    X, y = faces
    grid = {"lr": [0.01, 0.03, 0.1]}
    search = GridSearchCV(helpers.dense(precision="float32"), grid, cv=2, refit=False)
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend="ray", n_jobs=2):
        scores = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores, expected)
