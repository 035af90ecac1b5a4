"""A fit that was killed and resumed gives the same model bit for bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kill_fits.py")
# So many that each kind of moment comes up for the quick one.
N_KILLS = {"dense": 20, "fast": 4}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


@pytest.mark.parametrize("kind", ["dense", pytest.param("fast", marks=pytest.mark.slow)])
def test_killed_at_random_moments(kind):
    done = subprocess.run(
        [sys.executable, SCRIPT, kind, str(N_KILLS[kind]), "0"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert sum(result["killed"].values()) == N_KILLS[kind]
    assert kind != "dense" or all(result["killed"].values())
    assert result["ended"] > 0
    assert result["different"] == 0
