"""The accuracy of a linear model, a dense network and a CNN on drawn faces.

    python benchmarks/drawn_faces.py [--quick]

The script trains each model on the same 3,000 faces of `make_faces` and scores it on 1,000 others,
for three seeds, and writes benchmarks/results/drawn_faces.json. `--quick` uses few faces and one
seed, and writes nothing.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch
from _harness import describe, machine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces

RESULTS = Path(__file__).parent / "results" / "drawn_faces.json"


def contestants(seed: int) -> dict:
    return {
        "linear": make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=1000)),
        "dense": FERDenseClassifier(max_epochs=15, random_state=seed),
        "fast": FERCNNClassifier(max_epochs=6, random_state=seed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few faces, one seed, no file")
    quick = parser.parse_args().quick
    n_train, n_test, seeds = (140, 70, [0]) if quick else (3000, 1000, [0, 1, 2])

    accuracy: dict[str, list[float]] = {}
    for seed in seeds:
        X, y = make_faces(n_train + n_test, random_state=seed)
        for name, model in contestants(seed).items():
            score = model.fit(X[:n_train], y[:n_train]).score(X[n_train:], y[n_train:])
            accuracy.setdefault(name, []).append(round(float(score), 4))
            print(f"seed {seed}: {name:6} {score:.1%}", flush=True)
    for name, scores in accuracy.items():
        print(f"{name:6} {statistics.mean(scores):.1%} ({min(scores):.1%} to {max(scores):.1%})")
    if not quick:
        result = {
            "train": n_train,
            "test": n_test,
            "chance": round(1 / 7, 4),
            "seeds": seeds,
            "accuracy": accuracy,
            "machine": describe(machine()),
            "torch": torch.__version__,
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
