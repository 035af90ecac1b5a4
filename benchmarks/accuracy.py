"""Accuracy on PublicTest after a fit on Training, for one configuration and some seeds.

    SK_FER_DATA=folder python benchmarks/accuracy.py [name=value ...] [--preset fast]
                                                     [--seeds 0 1 2] [--budget 300]
                                                     [--held-out FOLD] [--quick]

`name=value` are parameters of the classifier as Python literals: `max_epochs=24`,
`architecture="vgg"`, `augment=None`. `--budget` chooses max_epochs so that `fit` takes this number
of seconds, which is estimated from small fits with the same settings and batches. The script
computes the accuracy without and with test-time augmentation. With `--held-out`, it trains on four
fifths of Training and scores the last fifth in place of PublicTest, which is then not used; all
copies of an image are in the same fifth, one of those of recipe.py. After each seed, it adds a row
for the configuration and device to results/accuracy.json; other rows are not changed. "together" in
the row has the accuracy of the mean probabilities of the first one, two, ... seeds, with
test-time augmentation.

`--quick` uses few drawn faces and does not need SK_FER_DATA.
"""

import argparse
import json
import statistics
import time
from typing import Any

import numpy as np
import torch
from _harness import (
    RESULTS,
    command_line,
    describe,
    fer2013,
    machine,
    parameter,
    versions,
    write_json,
)
from _trial import epochs_in
from recipe import N_FOLDS, folds

from sk_fer import make_classifier
from sk_fer.datasets import make_faces
from sk_fer.training import resolve_device

Data = tuple[np.ndarray, np.ndarray]


def load(quick: bool, held_out: int | None = None) -> tuple[Data, Data]:
    """Return training and test images with their labels."""
    if quick:
        X, y = make_faces(84, random_state=0)
        return (X[:56], y[:56]), (X[56:], y[56:])
    X, y = fer2013("train")
    if held_out is None:
        return (X, y), fer2013("validation")
    names, codes = np.unique(y, return_inverse=True)
    images = torch.from_numpy(X.reshape(len(X), -1))
    parts = folds(images, torch.from_numpy(codes), len(names))["folds"][held_out]
    train, test = ((X[rows], y[rows]) for rows in map(np.asarray, parts))
    return train, test


def measure(model: Any, train: Data, test: Data) -> tuple[dict[str, float], np.ndarray]:
    """Fit and score one seed, and return its probabilities with test-time augmentation as well."""
    start = time.perf_counter()
    model.fit(*train)
    row = {"fit_seconds": round(time.perf_counter() - start, 4)}
    for name, tta in (("accuracy", False), ("accuracy_tta", True)):
        probabilities = model.set_params(tta=tta).predict_proba(test[0])
        row[name] = accuracy(probabilities, model.classes_, test[1])
    return row, probabilities


def accuracy(probabilities: np.ndarray, classes: np.ndarray, y: np.ndarray) -> float:
    return round(float(np.mean(classes[probabilities.argmax(axis=1)] == y)), 4)


def spread(seeds: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return the mean, least and most of each measure over the seeds."""
    measures = {name: [row[name] for row in seeds.values()] for name in next(iter(seeds.values()))}
    return {
        name: {"mean": round(statistics.mean(values), 4), "min": min(values), "max": max(values)}
        for name, values in measures.items()
    }


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("parameters", nargs="*", type=parameter, metavar="name=value")
    parser.add_argument("--preset", default="fast", help="of make_classifier (%(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--budget", type=float, help="seconds of fit, in place of max_epochs")
    parser.add_argument("--held-out", type=int, choices=range(N_FOLDS), help="a fifth of Training")
    args = parser.parse_args()
    parameters = dict(args.parameters)
    if args.quick:
        parameters.setdefault("max_epochs", 1)
    train, test = load(args.quick, args.held_out)
    if args.budget:
        parameters["max_epochs"] = epochs_in(args.budget, args.preset, parameters, train)

    device = resolve_device(parameters.get("device", "auto")).type
    asked = ", ".join(f"{name}={value!r}" for name, value in sorted(dict(args.parameters).items()))
    budget = f", {args.budget:g} s" if args.budget else ""
    part = "" if args.held_out is None else f", held-out fold {args.held_out}"
    key = f"{args.preset}({asked}){budget}{part}, {device}"
    row = {
        "preset": args.preset,
        "parameters": parameters,
        "budget": args.budget,
        "device": device,
        "held_out": args.held_out,
        "quick": args.quick,
        "train_images": len(train[0]),
        "test_images": len(test[0]),
        "machine": machine(),
        "versions": versions(),
        "torch_threads": torch.get_num_threads(),
        "seeds": {},
        "together": {},
    }
    print(f"{key}\n{describe(row['machine'])}")
    total = 0.0
    for n, seed in enumerate(args.seeds, start=1):
        model = make_classifier(args.preset, **{**parameters, "random_state": seed})
        row["seeds"][str(seed)], probabilities = measure(model, train, test)
        scores = row["seeds"][str(seed)]
        total = total + probabilities
        row["together"][str(n)] = accuracy(total, model.classes_, test[1])
        row["precision"] = str(model.net_.precision).removeprefix("torch.")
        print(
            f"seed {seed}: {scores['accuracy']:.2%}, with mirror images "
            f"{scores['accuracy_tta']:.2%}, {scores['fit_seconds']:.0f} s of fit; "
            f"the mean of {n}: {row['together'][str(n)]:.2%}",
            flush=True,
        )
        keep(key, {**row, **spread(row["seeds"])}, args)
    for name, values in spread(row["seeds"]).items():
        print(f"{name}: {values['mean']:.4f} ({values['min']:.4f} to {values['max']:.4f})")


def keep(key: str, row: dict[str, Any], args: argparse.Namespace) -> None:
    """Write the row beside the others."""
    folder = args.out or (None if args.quick else RESULTS)
    if folder is not None:
        path = folder / "accuracy.json"
        rows = json.loads(path.read_text())["rows"] if path.exists() else {}
        write_json(path, {"rows": {**rows, key: row}})


if __name__ == "__main__":
    main()
