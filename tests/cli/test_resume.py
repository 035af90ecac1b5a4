"""``sk-fer train --resume`` continues an interrupted training to the same model."""

import csv
import os
import signal

import numpy as np
import pytest

from sk_fer import load_model
from sk_fer._cli import _progress
from sk_fer.datasets import make_faces

from ..helpers import Stop
from .conftest import DENSE

THREE_EPOCHS = [*DENSE[:-1], "3"]


@pytest.fixture
def cut_off(run, tmp_path, monkeypatch):
    """The folder of a training that ended with an error in its third epoch."""

    cut = Stop(RuntimeError("the power went"), "on_epoch_begin", n=3)
    with monkeypatch.context() as patch:
        patch.setattr(_progress, "TrainingProgress", lambda bar: cut)
        result = run("train", *THREE_EPOCHS, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["checkpoints"]
    return tmp_path / "out"


def test_resume_gives_the_same_model(run, cut_off, tmp_path):
    result = run("train", *THREE_EPOCHS, "--out", cut_off, "--resume")
    assert result.exit_code == 0, result.output
    assert "Epoch 3/3" in result.output
    assert "Epoch 2/3" not in result.output
    assert not (cut_off / "checkpoints").exists()
    whole = run("train", *THREE_EPOCHS, "--out", tmp_path / "whole")
    assert whole.exit_code == 0, whole.output
    X, _ = make_faces(20, random_state=0)
    models = [load_model(folder / "model.skfer") for folder in (cut_off, tmp_path / "whole")]
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in models))
    assert models[0].get_params() == models[1].get_params()
    with (cut_off / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]


def test_without_resume_it_is_refused(run, cut_off):
    result = run("train", *THREE_EPOCHS, "--out", cut_off)
    assert result.exit_code == 1
    assert (
        "an interrupted training; use --resume to continue it, or --force to start again"
        in result.stderr
    )


def test_the_error_names_other_options(run, cut_off):
    result = run("train", *THREE_EPOCHS, "--lr", 0.5, "--out", cut_off, "--resume")
    assert result.exit_code == 1
    assert "another training: lr was 0.001 and is 0.5" in result.stderr
    assert "--force instead of --resume starts again" in result.stderr


def test_force_starts_again(run, cut_off):
    result = run("train", *THREE_EPOCHS, "--out", cut_off, "--force")
    assert result.exit_code == 0, result.output
    assert "Epoch 1/3" in result.output


def test_resume_without_checkpoints_starts(run, tmp_path):
    result = run("train", *DENSE, "--out", tmp_path / "out", "--resume")
    assert result.exit_code == 0, result.output
    again = run("train", *DENSE, "--out", tmp_path / "out", "--resume")
    assert again.exit_code == 1
    assert "already contains model.skfer" in again.stderr


def test_sigterm_ends_the_fit_which_can_be_resumed(run, tmp_path):
    from .test_process import start

    out = tmp_path / "out"
    process = start("train", "--model", "dense", "--epochs", 100_000, "--out", out)
    for line in process.stdout:
        if line.startswith("Epoch 2/"):
            process.send_signal(signal.SIGTERM)
            break
    process.communicate()
    assert process.returncode == -signal.SIGTERM
    assert any(name.startswith("epoch-") for name in os.listdir(out / "checkpoints"))
