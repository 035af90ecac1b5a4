"""Errors of ``sk-fer search --scheduler``; tests/cluster has a scheduler that answers."""

import sys

import pytest

SEARCH = ["search", "--model", "dense", "--scheduler"]


def test_a_scheduler_that_does_not_answer_is_an_error_before_the_images_are_read(run, tmp_path):
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    result = run(*SEARCH, "tcp://127.0.0.1:1", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "no scheduler at tcp://127.0.0.1:1" in result.stderr
    assert "images" not in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["192.168.0.2:8786", "tcp://192.168.0.2", "http://a:8786"])
def test_an_address_of_another_form_is_wrong_usage(run, address):
    result = run(*SEARCH, address)
    assert result.exit_code == 2
    assert f"got '{address}'" in result.stderr


def test_the_error_without_dask_names_the_extra(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = run(*SEARCH, "tcp://127.0.0.1:1", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert 'pip install ".[dask]"' in result.stderr
