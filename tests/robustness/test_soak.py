"""The soak script runs for a short time. Its full run is started by hand."""

import json
import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads what it uses from /proc")
def test_a_short_soak_leaks_nothing(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["soak.py", "--quick"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(BENCHMARKS / "soak.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert ended.value.code == 0, printed
    assert "12 fits,    600 predicts" in printed
    assert "grown: nothing" in printed


def test_the_kept_results_are_of_a_full_soak_that_left_nothing():
    result = json.loads((BENCHMARKS / "results" / "soak.json").read_text())
    assert result["fits"] >= 200
    assert result["predicts"] >= 10_000
    assert result["memory_growth"] <= 0.05
    assert result["grown"] == []
