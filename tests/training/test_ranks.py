"""One fit by two processes, which torchrun starts, is the fit of one process."""

import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from sk_fer import FERDenseClassifier
from sk_fer.datasets import make_faces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SHARED = {"device": "cpu", "precision": "float32", "random_state": 0, "batch_size": 16}
DENSE = {**SHARED, "max_epochs": 3, "validation_fraction": 0.2, "dropout": 0.0, "augment": None}

SCRIPT = f"""
import os
import sys
from pathlib import Path

import torch
from skorch.callbacks import Callback
from torch import distributed

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces

distributed.init_process_group("gloo")
folder, rank = Path(sys.argv[1]), distributed.get_rank()
X, y = make_faces(101, image_size=16, random_state=0)


class Stop(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 3:
            raise RuntimeError("stopped")


def fit(name, model):
    model.fit(X, y)
    torch.save(dict(model.net_.module_.state_dict()), folder / f"{{name}}-{{rank}}.pt")
    model.history_.to_csv(folder / f"{{name}}-{{rank}}.csv")


def dense(**parameters):
    return FERDenseClassifier((8,), **{{**{DENSE}, **parameters}})


fit("dense", dense(verbose=1))
fit("random", dense(random_state=None, dropout=0.4, max_epochs=1))
fit("norm", FERCNNClassifier("sequential", max_epochs=1, **{SHARED}))
try:
    dense(checkpoint=folder / "checkpoint", callbacks=[Stop()]).fit(X, y)
except RuntimeError:
    fit("resumed", dense(checkpoint=folder / "checkpoint"))
for name, rows, size in (("data", slice(rank, None), 16), ("batch", slice(None), 1)):
    try:
        dense(batch_size=size).fit(X[rows], y[rows])
    except ValueError as error:
        (folder / f"{{name}}-{{rank}}.txt").write_text(str(error))
distributed.barrier()
sys.stdout.flush()
os._exit(0)  # the threads of gloo abort some processes that end in the usual way
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The weights, histories, errors and output of the script, which two processes run."""
    folder = tmp_path_factory.mktemp("ranks")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.run(
        [*launcher, str(script), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert run.returncode == 0, run.stderr
    (folder / "output").write_text(run.stdout)
    return folder


def weights(folder, name, rank):
    return torch.load(folder / f"{name}-{rank}.pt")


def history(folder, name, rank):
    return pd.read_csv(folder / f"{name}-{rank}.csv", index_col=0).drop(columns="seconds")


@pytest.mark.parametrize("name", ["dense", "random", "norm", "resumed"])
def test_both_processes_have_the_same_weights_and_history(folder, name):
    first, second = weights(folder, name, 0), weights(folder, name, 1)
    assert first.keys() == second.keys()
    for key, tensor in first.items():
        assert torch.equal(tensor, second[key]), key
    pd.testing.assert_frame_equal(history(folder, name, 0), history(folder, name, 1))


@pytest.mark.parametrize("name", ["dense", "resumed"])
def test_the_fit_is_that_of_one_process(folder, name):
    X, y = make_faces(101, image_size=16, random_state=0)
    model = FERDenseClassifier((8,), **DENSE).fit(X, y)
    expected = model.history_.drop(columns="seconds")
    assert expected["train_loss"].iloc[-1] < expected["train_loss"].iloc[0] - 0.01
    np.testing.assert_allclose(history(folder, name, 0), expected, rtol=1e-5)
    for key, tensor in model.net_.module_.state_dict().items():
        torch.testing.assert_close(weights(folder, name, 0)[key], tensor, rtol=1e-4, atol=1e-5)


def test_only_the_first_process_prints_progress_and_writes_checkpoints(folder):
    assert (folder / "output").read_text().count("train_loss") == 1
    assert len(list((folder / "checkpoint").glob("epoch-*.pt"))) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data", r"process 0 has images of shape \(101, 16, 16, 1\), and process 1 has \(100, "),
        ("batch", "a batch of 1 images cannot be shared by 2 processes"),
    ],
)
def test_errors_are_raised_in_both_processes(folder, name, message):
    for rank in range(2):
        assert re.match(message, (folder / f"{name}-{rank}.txt").read_text())
