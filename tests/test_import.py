"""Importing sk_fer takes no more than torch and scikit-learn take."""

import subprocess
import sys

import numpy as np

from sk_fer import FERFeatures, FERPretrainedClassifier

SCRIPT = """
import sys
import sklearn.base, sklearn.metrics, sklearn.model_selection, sklearn.callback, torch
before = {name.split(".")[0] for name in sys.modules}
import sk_fer, sk_fer.datasets, sk_fer.preprocessing
after = {name.split(".")[0] for name in sys.modules}
print(*sorted(after - before))
"""


def test_import_brings_nothing_heavy():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) <= {"sk_fer", "PIL"}


def test_import_alone_does_not_start_torch():
    script = "import sys, sk_fer, sk_fer.datasets; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_our_own_backbones_do_without_timm(monkeypatch):
    for name in ("timm", "huggingface_hub", "torchvision"):
        monkeypatch.setitem(sys.modules, name, None)
    X = np.zeros((4, 16, 16), np.uint8)
    model = FERPretrainedClassifier("fast", weights=None, max_epochs=1)
    assert model.fit(X, [0, 1, 0, 1]).predict(X).shape == (4,)
    assert FERFeatures("fast", weights=None).fit_transform(X).shape == (4, 256)
