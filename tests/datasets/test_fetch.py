import builtins
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sk_fer.datasets import fetch_fer2013

from .archives import tarred

BY_HAND = r"By hand: download fer2013.tar.gz from https://www.kaggle.com/.*load_fer2013\("


class UnauthenticatedError(Exception):
    """As kagglehub's."""


class KaggleApiHTTPError(OSError):
    """As kagglehub's."""

    def __init__(self, status_code):
        super().__init__(f"{status_code} Client Error.\n\nYou don't have permission")
        self.response = SimpleNamespace(status_code=status_code)


@pytest.fixture
def kagglehub(monkeypatch, fer2013_csv):
    """A client that writes fer2013.tar.gz, or raises what `fails` is set to."""
    client = SimpleNamespace(calls=[], fails=None)

    def competition_download(handle, path=None, *, output_dir=None):
        client.calls.append((handle, path))
        target = Path(output_dir, path)
        target.write_bytes(tarred({"fer2013/fer2013.csv": fer2013_csv.read_bytes()}))
        if client.fails is not None:
            raise client.fails
        return str(target)

    client.competition_download = competition_download
    monkeypatch.setitem(sys.modules, "kagglehub", client)
    return client


def test_downloads_once(kagglehub, data_home):
    assert fetch_fer2013().images.shape == (3, 48, 48)
    _, y = fetch_fer2013(subset="validation", return_X_y=True)
    assert y.tolist() == ["sad", "surprise"]
    [(handle, path)] = kagglehub.calls
    assert handle.startswith("challenges-in-representation-learning-facial-expression")
    assert path == "fer2013.tar.gz"
    assert (data_home / "sk_fer" / "fer2013.tar.gz").exists()
    assert fetch_fer2013(download_if_missing=False).images.shape == (3, 48, 48)


def test_missing_and_not_to_be_downloaded(kagglehub, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"fer2013.tar.gz: no such file, and download_if"):
        fetch_fer2013(data_home=tmp_path / "empty", download_if_missing=False)
    assert not kagglehub.calls


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UnauthenticatedError("User is not authenticated"), "requires a valid API token"),
        (KaggleApiHTTPError(401), "requires a valid API token"),
        (KaggleApiHTTPError(403), "accept the competition's rules"),
        (KaggleApiHTTPError(500), "the download failed, KaggleApiHTTPError: 500"),
        (ConnectionError("Name or service not known"), "could not be reached.*offline"),
    ],
)
def test_failures_name_the_way_by_hand(kagglehub, data_home, error, message):
    kagglehub.fails = error
    with pytest.raises(OSError, match=f"{message}.*{BY_HAND}") as raised:
        fetch_fer2013()
    assert "\n" not in str(raised.value)
    assert list((data_home / "sk_fer").iterdir()) == []  # not even a half-written file


def test_not_installed(monkeypatch):
    original = builtins.__import__

    def without_kagglehub(name, *args, **kwargs):
        if name == "kagglehub":
            raise ImportError("No module named 'kagglehub'")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_kagglehub)
    monkeypatch.delitem(sys.modules, "kagglehub", raising=False)
    with pytest.raises(ImportError, match=rf"pip install \"\.\[kaggle\]\" in.*{BY_HAND}"):
        fetch_fer2013()
