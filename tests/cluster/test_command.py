"""``sk-fer search --scheduler`` with a scheduler that answers."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from sk_fer._cli import _data
from sk_fer._cli._app import app

pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = pytest.mark.slow


def test_the_table_is_that_of_this_process(start_cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(_data, "N_FACES", 210)
    command = ["search", "--model", "dense", "--epochs", "1", "--cv", "2", "--precision", "float32"]
    command += ["--param", "hidden_layer_sizes=(8,),(16,)", "--param", "lr=0.001,0.01", "--out"]

    def scores(*options):
        result = CliRunner().invoke(app, [*command, *options])
        assert result.exit_code == 0, result.output
        table = pd.read_csv(f"{options[0]}/search.csv")
        return table[["params", "mean_test_score", "std_test_score"]]

    with start_cluster(2) as (cluster, client):
        remote = scores(str(tmp_path / "remote"), "--scheduler", cluster.address)
        n_tasks = client.run(lambda dask_worker: dask_worker.state.executed_count)
    assert sum(n_tasks.values()) > 0
    pd.testing.assert_frame_equal(remote, scores(str(tmp_path / "local")))
