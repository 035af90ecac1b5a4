"""Importing sk_fer is quick and does not import torch."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import sk_fer
from sk_fer import FERFeatures, FERPretrainedClassifier
from sk_fer.estimators import NETWORKS

SCRIPT = """
import sys
from pathlib import Path
import sklearn.base, sklearn.metrics, sklearn.model_selection, sklearn.callback, torch
before = {name.split(".")[0] for name in sys.modules}
import sk_fer, sk_fer.datasets, sk_fer.faces, sk_fer.preprocessing
after = {name.split(".")[0] for name in sys.modules}
print(*sorted(after - before))
"""


def test_import_brings_nothing_heavy():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) <= {"sk_fer", "PIL", "filelock"}


def test_import_alone_does_not_start_torch():
    script = "import sys, sk_fer, sk_fer.datasets; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_help_describes_all_networks_without_starting_torch():
    script = """
import sys
from sk_fer._cli import main
try:
    main()
except SystemExit:
    print("torch" in sys.modules)
"""
    for command in ("train", "compare"):
        run = subprocess.run(
            [sys.executable, "-c", script, command, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert run.stdout.split()[-1] == "False"
        assert all(re.search(rf"\b{name}\b", run.stdout) for name in NETWORKS)


def test_the_command_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "sk_fer", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip().endswith(sk_fer.__version__)


def test_folders_are_attributes_of_the_package():
    folders = {path.parent.name for path in Path(sk_fer.__file__).parent.glob("[a-z]*/__init__.py")}
    assert {"datasets", "preprocessing"} <= folders
    # In a new process, because other tests have imported the folders.
    script = "import sk_fer, sys; print(*(getattr(sk_fer, name).__name__ for name in sys.argv[1:]))"
    run = subprocess.run(
        [sys.executable, "-c", script, *folders], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [f"sk_fer.{name}" for name in folders]
    assert folders | {"export_onnx"} <= set(dir(sk_fer))


def test_our_own_backbones_do_without_timm(monkeypatch):
    for name in ("timm", "huggingface_hub", "torchvision"):
        monkeypatch.setitem(sys.modules, name, None)
    X = np.zeros((4, 16, 16), np.uint8)
    model = FERPretrainedClassifier("fast", weights=None, max_epochs=1)
    assert model.fit(X, [0, 1, 0, 1]).predict(X).shape == (4,)
    assert FERFeatures("fast", weights=None).fit_transform(X).shape == (4, 256)


def test_install_hints_are_quoted_as_every_shell_needs_it():
    package = Path(sk_fer.__file__).parent
    hints = [
        (path.name, hint)
        for path in package.rglob("*.py")
        for hint in re.findall(r"pip install .{0,40}", path.read_text("utf-8"))
    ]
    assert len(hints) > 5
    assert [hint for hint in hints if "[" in hint[1] and 'install ".[' not in hint[1]] == []
