"""The command with bad options: exit code, one line on stderr, no files."""

import pytest
from typer.testing import CliRunner

from sk_fer._cli import _data
from sk_fer._cli._app import app

TRAIN = ["train", "--model", "dense", "--epochs", "1"]
SEARCH = ["search", "--model", "dense", "--epochs", "1"]

BAD_OPTIONS = [
    ([*TRAIN, "--lr", "-1"], 2, "The 'lr' parameter of FERDenseClassifier must be"),
    ([*TRAIN, "--lr", "nan"], 2, "Got nan instead"),
    ([*TRAIN, "--lr", "fast"], 2, "Invalid value for '--lr'"),
    ([*TRAIN, "--fraction", "0"], 2, "--fraction: got 0, expected a number above 0"),
    ([*TRAIN, "--fraction", "nan"], 2, "--fraction: got nan, expected a number above 0"),
    ([*TRAIN, "--test-size", "0.5"], 2, "--test-size: got 0.5, expected a number above 0"),
    ([*TRAIN, "--device", "quantum"], 2, "device='quantum' is not known to torch"),
    ([*TRAIN, "--precision", "int8"], 2, "The 'precision' parameter"),
    ([*TRAIN, "--batch-size", "0"], 2, "Invalid value for '--batch-size'"),
    ([*TRAIN, "--seed", "-1"], 2, "Invalid value for '--seed'"),
    ([*TRAIN, "--image-size", "24"], 2, "--image-size: it is only for images"),
    ([*TRAIN, "--classes", "a,b"], 2, "--classes: it is only for class folders"),
    ([*TRAIN, "--set", "speed=3"], 2, "no parameter 'speed'"),
    ([*TRAIN, "--set", "tta"], 2, "got 'tta', expected NAME=VALUE"),
    ([*TRAIN, "--set", "momentum=True"], 2, "Got True instead"),
    ([*TRAIN, "--ferplus", "votes.csv"], 2, "--ferplus: it needs DATA"),
    ([*TRAIN, "--model", "resnet"], 2, "'resnet' is not one of"),
    ([*TRAIN, "no.csv"], 1, "no.csv: no such file or folder"),
    ([*SEARCH, "--param", "lr="], 2, "got 'lr=', expected NAME=VALUE"),
    ([*SEARCH, "--cv", "1"], 2, "Invalid value for '--cv'"),
    (["evaluate", "no.joblib"], 1, "no.joblib: no such file"),
    (["predict", "no.joblib", "face.png"], 1, "no.joblib: no such file"),
    (["predict", "no.joblib"], 2, "got the model no.joblib"),
    (["teach"], 2, "No such command 'teach'"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD_OPTIONS)
def test_bad_option(arguments, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_data, "N_FACES", 70)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    message = " ".join(result.stderr.replace("│", " ").split())
    assert words in message
    assert "Traceback" not in message
    assert list(tmp_path.iterdir()) == []
