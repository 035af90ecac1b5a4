"""dask's joblib backend fits our classifiers like local processes."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_validate
from typer.testing import CliRunner

from sk_fer._cli import _data
from sk_fer._cli._app import app

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


def test_the_command_searches_on_a_cluster(monkeypatch, tmp_path):
    from distributed import LocalCluster

    monkeypatch.setattr(_data, "N_FACES", 140)
    arguments = ["search", "--model", "dense", "--epochs", "1", "--cv", "2", "--param"]
    arguments += ["hidden_layer_sizes=(4,),(8,)", "--param", "equalize=true"]

    def scores(out, *more):
        result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / out), *more])
        assert result.exit_code == 0, result.output
        return result.output, pd.read_csv(tmp_path / out / "search.csv")["mean_test_score"]

    with LocalCluster(
        n_workers=1, processes=False, dashboard_address=None, protocol="tcp://", host="127.0.0.1"
    ) as cluster:
        printed, remote = scores("remote", "--scheduler", cluster.scheduler_address)
    assert f"Fits run on 1 worker at {cluster.scheduler_address}" in printed
    _, local = scores("local")
    assert remote.tolist() == local.tolist()


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("tcp://127.0.0.1:1", 1, "no scheduler at tcp://127.0.0.1:1 "),
        ("127.0.0.1", 2, "expected an address such as tcp://"),
        ("http://127.0.0.1:80", 2, "expected an address such as tcp://"),
    ],
)
def test_an_unreachable_scheduler_is_an_error_before_the_data_is_read(address, code, words):
    result = CliRunner().invoke(app, ["search", "no.csv", "--scheduler", address])
    assert result.exit_code == code
    assert words in " ".join(result.stderr.replace("│", " ").split())
