"""Small files in the formats that the loaders read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def data_home(tmp_path, monkeypatch):
    """A data home of the test's own, so that none touches the user's."""
    home = tmp_path / "data_home"
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home))
    return home


@pytest.fixture(scope="session")
def table():
    """Six rows in FER2013's form: (images, codes, usages)."""
    images = np.random.default_rng(0).integers(0, 256, (6, 48, 48), dtype=np.uint8)
    codes = [0, 3, 6, 4, 5, 1]
    usages = ["Training"] * 3 + ["PublicTest"] * 2 + ["PrivateTest"]
    return images, codes, usages


@pytest.fixture(scope="session")
def rows(table):
    """The fields of the six rows: (code, pixels, usage)."""
    images, codes, usages = table
    strings = [" ".join(map(str, image.ravel().tolist())) for image in images]
    return list(zip(map(str, codes), strings, usages, strict=True))


@pytest.fixture
def fer2013_csv(tmp_path, rows):
    """The six rows as fer2013.csv."""
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *map(",".join, rows)]) + "\n")
    return path


@pytest.fixture
def write_image(tmp_path):
    """A function that writes an image of one tone, or of an array, under a name."""

    def write(name, tone=128, size=(48, 48), mode="L"):
        path = Path(tmp_path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = size
        Image.new(mode, (width, height), tone).save(path)
        return path

    return write
