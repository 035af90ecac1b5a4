"""Settings and fixtures of all tests: one thread, one precision, real images if available."""

import math
import os
import platform
import re
import signal
from pathlib import Path

# scikit-learn runs its array-API checks only where SciPy was told to before its import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
import torch
from PIL import Image

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what runs in their background so, and no test would see its Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers share the cores; more threads would wait for each other, in what they start too.
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


PRECISIONS = ("bfloat16", "float32")


def pytest_configure(config):
    """Check SK_FER_TEST_PRECISION, which the library reads in all processes of the tests."""
    forced = os.environ.get("SK_FER_TEST_PRECISION")
    if forced and forced not in PRECISIONS:
        raise pytest.UsageError(
            f"SK_FER_TEST_PRECISION is {forced!r}; expected one of {', '.join(PRECISIONS)}"
        )


def pytest_report_header(config):
    """Say which processor the tests run on, and in which precision."""
    from sk_fer.training import resolve_precision

    used = str(resolve_precision("auto", torch.device("cpu"))).removeprefix("torch.")
    forced = " (forced by SK_FER_TEST_PRECISION)" if os.environ.get("SK_FER_TEST_PRECISION") else ""
    return [f"processor: {processor()}", f'precision="auto" on the CPU: {used}{forced}']


def processor():
    """Return the model of the processor and its instructions for bfloat16, on Linux."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(errors="replace") if cpuinfo.exists() else ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = sorted(set(re.findall(r"\b(?:amx|avx512)_bf16\b", text)))
    name = model[1] if model else platform.processor() or platform.machine()
    return f"{name}, {' and '.join(flags) or 'no instructions for bfloat16'}"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with fer2013.csv, fer2013new.csv and CK+48/, from SK_FER_DATA."""
    folder = os.environ.get("SK_FER_DATA")
    if not folder:
        pytest.skip("SK_FER_DATA names no folder with fer2013.csv, fer2013new.csv and CK+48/")
    return Path(folder)


@pytest.fixture(scope="session")
def real_faces(data_folder):
    """1,400 real FER2013 training images, 200 of each expression: (X, y)."""
    from sk_fer.datasets import load_fer2013

    X, y = load_fer2013(data_folder / "fer2013.csv", subset="train", return_X_y=True)
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [rng.choice(np.flatnonzero(y == name), 200, replace=False) for name in np.unique(y)]
    )
    rng.shuffle(rows)
    return X[rows], y[rows]


@pytest.fixture(scope="session")
def faces():
    """280 drawn faces: (X, y)."""
    from sk_fer.datasets import make_faces

    return make_faces(280, random_state=0)


@pytest.fixture(scope="session")
def small(faces):
    """70 drawn faces of 24 x 24 pixels: (X, y)."""
    return faces[0].reshape(-1, 48, 48)[:70, ::2, ::2], faces[1][:70]


@pytest.fixture(scope="session")
def save_images():
    """A function that saves each row of square gray images under a path, and makes the folders."""

    def save(X, paths):
        for row, path in zip(X, map(Path, paths), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            side = math.isqrt(row.size)
            Image.fromarray(row.reshape(side, side)).save(path)

    return save


@pytest.fixture(scope="session")
def shipped_folder(faces, tmp_path_factory):
    """A folder with fer2013.skfer, a model of drawn faces as small as the one of the package."""
    from sk_fer import FERCNNClassifier, save_model

    X, y = faces
    folder = tmp_path_factory.mktemp("shipped")
    model = FERCNNClassifier(max_epochs=1, batch_size=32, random_state=0, device="cpu")
    save_model(model.fit(X[:140], y[:140]), folder / "fer2013.skfer", dtype="float16")
    return folder


@pytest.fixture
def shipped(shipped_folder, monkeypatch):
    """The same folder, in place of the folder of the package."""
    from sk_fer._utils import _shipped

    monkeypatch.setattr(_shipped, "FOLDER", shipped_folder)
    return shipped_folder
