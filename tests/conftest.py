"""What all tests share: one thread count, and real images where a machine has them."""

import os
import signal
from pathlib import Path

# scikit-learn runs its array-API checks only where SciPy was told to before its import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
import torch

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start what runs in their background so, and no test would see its Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers share the cores; more threads would wait for each other.
    torch.set_num_threads(1)


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
