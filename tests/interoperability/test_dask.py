"""dask's joblib backend fits our classifiers like local processes."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
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


def test_example_continues_where_it_was_stopped(tmp_path, monkeypatch, capsys):
    from distributed import Client

    path = Path(__file__).parents[2] / "examples" / "score_folder_dask.py"
    spec = importlib.util.spec_from_file_location("score_folder_dask", path)
    example = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "score_folder_dask", example)
    spec.loader.exec_module(example)
    monkeypatch.setattr(example, "PART", 2)
    monkeypatch.setattr(example, "Client", partial(Client, processes=False, n_workers=2))
    photos, scores = tmp_path / "photos", tmp_path / "scores"
    photos.mkdir()
    for i in range(4):
        Image.linear_gradient("L").resize((48, 48)).rotate(90 * i).save(photos / f"{i}.png")
    (photos / "4.png").write_bytes(b"none")
    monkeypatch.setattr(sys, "argv", ["score_folder_dask", str(photos), str(scores)])
    example.main()
    assert "5 images in 3 parts, 0 of them finished" in capsys.readouterr().out
    parts = sorted(scores.glob("part-*.csv"))
    table = pd.concat(map(pd.read_csv, parts))
    assert [Path(image).name for image in table["image"]] == [f"{i}.png" for i in range(5)]
    assert table["label"].notna().tolist() == [True] * 4 + [False]

    parts[1].unlink()
    times = [parts[i].stat().st_mtime_ns for i in (0, 2)]
    example.main()
    assert "3 parts, 2 of them finished" in capsys.readouterr().out
    assert parts[1].exists()
    assert [parts[i].stat().st_mtime_ns for i in (0, 2)] == times

    (photos / "5.png").write_bytes(b"none")
    with pytest.raises(SystemExit, match="contains scores of other images"):
        example.main()
