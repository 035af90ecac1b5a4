"""Runs of the command in this process, with few small images."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sk_fer._cli import _data
from sk_fer._cli._app import app
from sk_fer.datasets import make_faces

DENSE = ["--model", "dense", "--set", "hidden_layer_sizes=(16,)", "--epochs", "1"]


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    """Run ``sk-fer`` with arguments of any kind."""

    def run_command(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run_command


@pytest.fixture(scope="session", autouse=True)
def few_faces():
    """Draw 210 faces where there is no DATA."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_data, "N_FACES", 210)
        yield


@pytest.fixture(scope="session")
def trained(run, tmp_path_factory) -> tuple[Path, Result]:
    """The folder that a small ``sk-fer train`` wrote, and its result."""
    out = tmp_path_factory.mktemp("trained") / "out"
    return out, run("train", *DENSE, "--out", out)


@pytest.fixture(scope="session")
def class_folder(save_images, tmp_path_factory) -> Path:
    """Drawn faces as ``<class>/<n>.png``, ten of each of three classes."""
    folder = tmp_path_factory.mktemp("classes")
    X, y = make_faces(70, random_state=1)
    for name in ("happy", "sad", "fear"):
        save_images(X[y == name], [folder / name / f"{i}.png" for i in range(10)])
    return folder
