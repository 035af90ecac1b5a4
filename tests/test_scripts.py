"""The examples and the benchmarks run, on little."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_grid_search_example(monkeypatch, capsys):
    example = load(ROOT / "examples" / "grid_search.py")
    monkeypatch.setattr(example, "N_SEARCH", 84)
    monkeypatch.setattr(example, "N_REPORT", 42)
    example.main()
    printed = capsys.readouterr().out
    assert "84 images to search on, 42 to report on" in printed
    assert "best: {'cnn__architecture':" in printed
    assert "accuracy of the reloaded model: 0." in printed


@pytest.mark.slow
def test_drawn_faces_benchmark(monkeypatch, capsys):
    benchmark = load(ROOT / "benchmarks" / "drawn_faces.py")
    before = benchmark.RESULTS.read_bytes()
    monkeypatch.setattr(sys, "argv", ["drawn_faces.py", "--quick"])
    benchmark.main()
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("linear", "dense", "cnn"))
    assert benchmark.RESULTS.read_bytes() == before
