"""Searches over 24 candidates on FER2013: all epochs for all, and two kinds of halving.

    SK_FER_DATA=folder python benchmarks/halving.py [--only PART ...] [--images N] [--quick]

searches  GridSearchCV, HalvingGridSearchCV of scikit-learn and FERHalvingSearchCV, with the same
          candidates and folds of a Pipeline of histogram equalization and dense layers, one after
          another, each in a process of one thread. The time and the number of epochs include the
          fit of the winner on all images, which is then scored on PublicTest. The "loss" is the
          mean score over the folds of the best candidate of GridSearchCV minus that of the winner
          in the same search.
schedule  How well the scores of candidates after some of the epochs predict their ranks after all
          of them (Spearman's correlation): without a change of the learning rate ("cut short"),
          after cool-downs of several lengths, and after fits of their own with a whole schedule for
          so few epochs ("restarted"), as in scikit-learn's halving.

Candidates are trained and compared on images of the Training split. The script writes
results/halving.json; parts that are not named by --only are not changed.
"""

import argparse
import json
import time
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from _harness import RESULTS, command_line, fer2013, in_own_process, write_result
from scipy.stats import spearmanr
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline

from sk_fer import FERDenseClassifier
from sk_fer.datasets import make_faces
from sk_fer.model_selection import FERHalvingSearchCV
from sk_fer.preprocessing import HistogramEqualizer
from sk_fer.training import FERNet

PARTS = ("searches", "schedule")
GRID = {
    "lr": [3e-4, 1e-3, 3e-3, 1e-2],
    "hidden_layer_sizes": [(64,), (64, 64)],
    "dropout": [0.0, 0.2, 0.5],
}
N_EPOCHS = 27
N_FOLDS = 3
KINDS = {
    "GridSearchCV": GridSearchCV,
    "HalvingGridSearchCV": partial(HalvingGridSearchCV, resource="ferdenseclassifier__max_epochs"),
    "FERHalvingSearchCV": FERHalvingSearchCV,
    "FERHalvingSearchCV, batched=False": partial(FERHalvingSearchCV, batched=False),
    "FERHalvingSearchCV, factor=4": partial(FERHalvingSearchCV, factor=4),
    "FERHalvingSearchCV, min_epochs=9": partial(FERHalvingSearchCV, min_epochs=9),
}
# -- schedule
RUNGS = (3, 9)
RULES = {"cut short": 0.0, "cool-down": 0.25}
N_TEST = 2000


def images(n_images: int, seed: int, *, quick: bool) -> tuple[Any, Any]:
    """Return that many images of the Training split, in random order, and their labels."""
    if quick:
        return make_faces(n_images, image_size=16, random_state=seed)
    X, y = fer2013("train")
    rows = np.random.default_rng(seed).permutation(len(X))[:n_images]
    return X[rows], y[rows]


def dense(**settings: Any) -> FERDenseClassifier:
    """Return the classifier of all candidates."""
    return FERDenseClassifier(max_epochs=N_EPOCHS, random_state=0, device="cpu").set_params(
        **settings
    )


class CountImages:
    """Counts the images that all fits train on, alone or together, inside a ``with`` block."""

    n_images = 0

    def __enter__(self) -> "CountImages":
        notify = FERNet.notify

        def count(net: FERNet, event: str, **arguments: Any) -> Any:
            if event == "on_epoch_begin":
                self.n_images += len(arguments["dataset_train"])
            return notify(net, event, **arguments)

        self.patch = patch.object(FERNet, "notify", count)
        self.patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.patch.stop()


def candidates(*, quick: bool) -> dict[str, Any]:
    """Return the grid of all 24 candidates, or of 3."""
    return {"lr": GRID["lr"][1:]} if quick else GRID


def call(function: Any, *arguments: Any) -> Any:
    """Call a function in a new process, except in a quick run. The last argument is `quick`."""
    return function(*arguments) if arguments[-1] else in_own_process(function, *arguments)


# -- searches ----------------------------------------------------------------------------


def search(name: str, n_images: int, seed: int, quick: bool) -> dict[str, Any]:
    """Run a search, and return its times, its winner and the scores."""
    torch.set_num_threads(1)
    X, y = images(n_images, seed, quick=quick)
    model = dense(max_epochs=N_EPOCHS // 3 if quick else N_EPOCHS)
    made = KINDS[name](
        make_pipeline(HistogramEqualizer(), model),
        {f"ferdenseclassifier__{key}": values for key, values in candidates(quick=quick).items()},
        cv=StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed),
        return_train_score=False,
    )
    if name == "HalvingGridSearchCV":
        made.set_params(max_resources=model.max_epochs)
    dense(max_epochs=1).fit(X, y)  # imports the engine
    with CountImages() as counted:
        wall, processor = time.perf_counter(), time.process_time()
        made.fit(X, y)
        seconds = {
            "seconds": round(time.perf_counter() - wall, 1),
            "processor_seconds": round(time.process_time() - processor, 1),
        }
    X_test, y_test = make_faces(70, image_size=16) if quick else fer2013("public_test")
    results = made.cv_results_
    epochs = results.get("n_resources", np.full(len(results["params"]), model.max_epochs))
    return {
        **seconds,
        # An epoch is once over all images.
        "epochs": round(counted.n_images / n_images, 1),
        "winner": {
            key.split("__")[1]: value
            for key, value in made.best_params_.items()
            if "max_epochs" not in key
        },
        "best_score": round(float(made.best_score_), 4),
        "public_test": round(float(made.score(X_test, y_test)), 4),
        "n_resources": [int(n) for n in np.unique(epochs)],
        "n_candidates": [int(n) for n in np.unique(epochs, return_counts=True)[1]],
        "scores": [round(float(s), 4) for s in results["mean_test_score"][epochs == epochs.max()]],
    }


def searches(args: argparse.Namespace) -> dict[str, Any]:
    """Compare the searches, in turns over several samples of images."""
    rounds = []
    grid_points = list(ParameterGrid(candidates(quick=args.quick)))
    for seed in range(1 if args.quick else args.repeats):
        row = {}
        for name in KINDS:
            row[name] = call(search, name, args.images, seed, args.quick)
            print(name, row[name], flush=True)
        grid = row["GridSearchCV"]
        for result in row.values():
            score = grid["scores"][grid_points.index(result["winner"])]
            result["loss"] = round(grid["best_score"] - score, 4)
        rounds.append(row)
    return {
        "images": args.images,
        "folds": N_FOLDS,
        "epochs": N_EPOCHS,
        "rounds": rounds,
        "ratios": {ours: ratios(rounds, ours) for ours in KINDS if ours.startswith("FER")},
    }


def ratios(rounds: list[dict[str, Any]], ours: str) -> dict[str, dict[str, list[float]]]:
    """Return how many times as much the searches of scikit-learn compute, in each round."""
    return {
        name: {
            unit: [round(row[name][unit] / row[ours][unit], 2) for row in rounds]
            for unit in ("processor_seconds", "epochs")
        }
        for name in KINDS
        if not name.startswith("FER")
    }


# -- schedule ----------------------------------------------------------------------------


def ranks(n_images: int, seed: int, quick: bool) -> dict[str, list[list[float]]]:
    """Return the scores after each number of epochs, by the rule of the learning rate."""
    torch.set_num_threads(1)
    X, y = images(n_images + (200 if quick else N_TEST), seed, quick=quick)
    train, test = slice(0, n_images), slice(n_images, None)
    scores: dict[str, list[list[float]]] = {}
    for params in ParameterGrid(candidates(quick=quick)):
        row: dict[str, list[float]] = {rule: [] for rule in (*RULES, "restarted", "all epochs")}

        def score(model: FERDenseClassifier, rule: str, row: dict = row) -> None:
            row[rule].append(round(model.score(X[test], y[test]), 4))

        for rule, share in RULES.items():
            state = None
            for n_epochs in RUNGS:
                model = dense(**params)
                with model._paused_after(n_epochs, state, cool_down=share) as pause:
                    model.fit(X[train], y[train])
                state = pause.state
                score(model, rule)
        for n_epochs in RUNGS:
            short = dense(**params, max_epochs=n_epochs)
            score(short.fit(X[train], y[train]), "restarted")
        with model._paused_after(N_EPOCHS, state):
            score(model.fit(X[train], y[train]), "all epochs")
        for rule, values in row.items():
            scores.setdefault(rule, []).append(values)
        print(params, row, flush=True)
    return scores


def schedule(args: argparse.Namespace) -> dict[str, Any]:
    """Compare the rules of the learning rate before a comparison of candidates."""
    n_images = args.images // 2
    samples = [
        call(ranks, n_images, seed, args.quick) for seed in range(1 if args.quick else args.repeats)
    ]
    return {
        "images": n_images,
        "epochs": N_EPOCHS,
        "n_resources": RUNGS,
        "correlation": {
            rule: [
                [round(_correlation(scores, rule, i), 3) for scores in samples]
                for i in range(len(RUNGS))
            ]
            for rule in (*RULES, "restarted")
        },
        "scores": samples,
    }


def _correlation(scores: dict[str, list[list[float]]], rule: str, rung: int) -> float:
    after = np.ravel(scores["all epochs"])
    return float(spearmanr(np.array(scores[rule])[:, rung], after).statistic)


def main() -> None:
    parser = command_line(__doc__, repeats=1)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--images", type=int, default=2000, help="images (default: %(default)s)")
    args = parser.parse_args()
    if args.quick:
        args.images = 140
    path = (args.out or RESULTS) / "halving.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    parts = {name: result[name] for name in PARTS if name in result}
    for name in args.only:
        parts[name] = globals()[name](args)
        write_result("halving", parts, args)


if __name__ == "__main__":
    main()
