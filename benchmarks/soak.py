"""Fit and predict for a long time in one process, to find leaks.

    python benchmarks/soak.py [--quick]

The script runs 200 fits with 50 predictions each in one process, and writes and reads a model file
after each tenth fit. It counts the resident memory, the open files, the threads and the temporary
files after the first quarter, when caches are warm, and at the end. Memory may grow by 5 %, the
others must not grow, otherwise the exit code is 1. Writes benchmarks/results/soak.json. `--quick`
runs few fits and writes nothing.
"""

import argparse
import ctypes
import gc
import json
import platform
import sys
import tempfile
import threading
from pathlib import Path

import joblib
import torch

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces

RESULTS = Path(__file__).parent / "results" / "soak.json"
N_PREDICTS = 50  # after each fit


def take_down(folder: Path) -> dict[str, float]:
    """Count what could grow."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # freed memory that malloc keeps is not a leak
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1]
    return {
        "resident_mb": round(int(status.split()[0]) / 1024, 1),
        "open_files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "native_threads": len(list(Path("/proc/self/task").iterdir())),
        "temporary_files": len(list(folder.rglob("*"))),
    }


def one_round(number: int, X, y, folder: Path) -> int:
    """Fit and predict, in as many ways as there are; return the number of predictions."""
    kinds = [
        FERDenseClassifier((16,), dropout=0.2, max_epochs=2, random_state=number),
        FERCNNClassifier(max_epochs=1, validation_fraction=0.2, early_stopping=True),
        FERCNNClassifier("sequential", max_epochs=1, tta=True, class_weight="balanced"),
    ]
    model = kinds[number % 3].fit(X, y)
    for i in range(N_PREDICTS):
        model.predict(X[i % len(X) : i % len(X) + 3])
    if number % 10 == 0:
        path = folder / "model.joblib"
        joblib.dump(model.partial_fit(X, y), path)
        joblib.load(path).predict(X)
        path.unlink()
    return N_PREDICTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few fits, no file")
    quick = parser.parse_args().quick
    n_fits = 12 if quick else 200
    X, y = make_faces(70, image_size=16, random_state=0)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tempfile.tempdir = name  # temporary files are created here
        n_predicts, course, warm = 0, [], {}
        for number in range(n_fits):
            n_predicts += one_round(number, X, y, folder)
            if (number + 1) % (n_fits // 8) == 0:
                course.append(take_down(folder))
                print(f"{number + 1:4} fits, {n_predicts:6,} predicts: {course[-1]}", flush=True)
            if number + 1 == n_fits // 4:
                warm = course[-1]
        end = course[-1]
        tempfile.tempdir = None

    growth = end["resident_mb"] / warm["resident_mb"] - 1
    left = [name for name in end if name != "resident_mb" and end[name] > warm[name]]
    left += ["memory"] if growth > 0.05 else []
    print(f"memory {growth:+.1%} since the first quarter; grown: {', '.join(left) or 'nothing'}")
    if not quick:
        result = {
            "fits": n_fits,
            "predicts": n_predicts,
            "course": course,
            "memory_growth": round(growth, 4),
            "grown": left,
            "machine": platform.machine(),
            "torch": torch.__version__,
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
