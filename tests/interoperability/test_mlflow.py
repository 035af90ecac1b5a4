"""mlflow logs, loads and tracks our classifiers."""

import numpy as np
import pytest

from sk_fer.persistence import SKOPS_TRUSTED

pytest.importorskip("mlflow")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    pytest.mark.filterwarnings("ignore:`y_pred` was renamed to `y_proba`:FutureWarning"),
]


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield mlflow
    mlflow.set_tracking_uri(before)


def test_a_logged_model_predicts_the_same(mlflow, fitted, three_expressions):
    X, _ = three_expressions
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            fitted, name="faces", skops_trusted_types=SKOPS_TRUSTED, pip_requirements=[]
        )
    loaded = mlflow.sklearn.load_model(info.model_uri)
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    generic = mlflow.pyfunc.load_model(info.model_uri)
    np.testing.assert_array_equal(generic.predict(X), fitted.predict(X))


def test_autolog_of_a_grid_search(mlflow, network, three_expressions):
    from sklearn.model_selection import GridSearchCV

    X, y = three_expressions
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    try:
        with mlflow.start_run() as run:
            grid = GridSearchCV(network, {"lr": [1e-8, network.lr]}, cv=2).fit(X, y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    logged = mlflow.get_run(run.info.run_id).data
    assert logged.params["best_lr"] == str(network.lr)
    assert logged.metrics["best_cv_score"] == pytest.approx(grid.best_score_)
