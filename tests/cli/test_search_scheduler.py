"""``sk-fer search --scheduler``; tests/cluster has a scheduler that answers."""

import sys

import pytest

from sk_fer._cli import _scheduler

SEARCH = ["search", "--model", "dense", "--scheduler"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere://127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer_is_an_error_before_the_images_are_read(
    run, tmp_path, monkeypatch, address
):
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    monkeypatch.setattr(_scheduler, "SECONDS", 0.2)
    result = run(*SEARCH, address, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"no Dask scheduler answers at {address}" in result.stderr
    assert "images" not in result.output
    assert not (tmp_path / "out").exists()


def test_the_error_without_dask_names_the_extra(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = run(*SEARCH, "tcp://127.0.0.1:1", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert 'pip install ".[dask]"' in result.stderr
