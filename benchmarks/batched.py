"""Sixteen dense candidates on FER2013, trained as one computation and one by one.

    SK_FER_DATA=folder python benchmarks/batched.py [--threads N ...] [--only KIND] [--units TUPLE]

FERGridSearchCV fits and scores the same candidates with ``batched=True`` and ``batched=False``. The
networks are of several sizes, on images of 48 x 48 pixels and on 256 features that the model of the
package extracts from them ("features": heads over fixed features). The candidates differ in

lr        the learning rate, on one fold: they have the same batches;
lr, fold  four learning rates on four folds, of which each fold is a computation of its own;
seed      the seed, on one fold: they have different weights, batches and dropout.

Both ways run in turns in one process. With one thread, the time is that of the processor, which
other programs change little. With more, it is the wall time, which needs an idle machine.
"difference" is the largest difference of the scores of a candidate on a fold between both ways. The
script writes results/batched.json; rows that are not chosen by the options are not changed.
"""

import ast
import json
import time
from typing import Any

import numpy as np
import torch
from _harness import RESULTS, command_line, fer2013, in_own_process, write_result
from sklearn.model_selection import StratifiedKFold, train_test_split

from sk_fer import FERDenseClassifier, FERFeatures
from sk_fer.datasets import make_faces
from sk_fer.model_selection import FERGridSearchCV

K = 16
SIZES: dict[str, list[tuple[int, ...]]] = {
    "features": [(), (32,), (128,)],
    "images": [(), (32,), (128, 64), (512, 256, 128)],
}
DIFFERENCES = ("lr", "lr, fold", "seed")


def data(kind: str, n_images: int, *, quick: bool) -> tuple[Any, Any]:
    """Return images of the Training split or their features, and the labels."""
    if quick:
        X, y = make_faces(n_images, image_size=48, random_state=0)
    else:
        X, y = fer2013("train")
        rows = np.random.default_rng(0).permutation(len(X))[:n_images]
        X, y = X[rows], y[rows]
    if kind == "features":
        X = FERFeatures("fast", weights="fer2013").fit(X).transform(X)
    return X, y


def search(
    units: tuple[int, ...], differ: str, y: Any, *, batched: bool, n_epochs: int
) -> FERGridSearchCV:
    """Return a search over the candidates, with about equally many training images in each fold."""
    n_rates = 4 if differ == "lr, fold" else K
    rates = [3e-4 * 30 ** (k / n_rates) for k in range(n_rates)]
    grid = {"random_state": list(range(K))} if differ == "seed" else {"lr": rates}
    cv: Any = StratifiedKFold(4, shuffle=True, random_state=0)
    if differ != "lr, fold":
        cv = [train_test_split(np.arange(len(y)), random_state=0, stratify=y)]
    model = FERDenseClassifier(
        units, dropout=0.2, max_epochs=n_epochs, random_state=0, device="cpu"
    )
    return FERGridSearchCV(model, grid, cv=cv, refit=False, batched=batched)


def compare(
    kind: str, units: tuple[int, ...], differences: list[str], n_threads: int, args: Any
) -> dict[str, Any]:
    """Time both ways in turns, after a warm-up."""
    torch.set_num_threads(n_threads)
    clock = time.process_time if n_threads == 1 else time.perf_counter
    quick = args.quick
    X, y = data(kind, args.images, quick=quick)
    result: dict[str, Any] = {}
    repeats = 1 if quick else args.repeats
    for differ in differences:
        seconds: dict[str, list[float]] = {"one by one": [], "together": []}
        scores = {}
        for number in range(repeats + 1):
            for name, times in seconds.items():
                together = name == "together"
                searched = search(units, differ, y, batched=together, n_epochs=1 if quick else 2)
                start = clock()
                searched.fit(X, y)
                if number:
                    times.append(round(clock() - start, 3))
                scores[name] = searched.cv_results_["mean_test_score"]
        ratios = np.divide(*seconds.values())
        result[differ] = {
            **seconds,
            "ratio": round(float(np.median(ratios)), 2),
            "ratios": [round(float(ratio), 2) for ratio in ratios],
            "difference": round(float(np.abs(np.subtract(*scores.values())).max()), 5),
        }
        print(f"{kind} {units}, {n_threads} threads, {differ}: {result[differ]}", flush=True)
    return result


def main() -> None:
    """Run the parts, and write the file."""
    parser = command_line(__doc__, repeats=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", choices=SIZES, help="the kind of input (default: both)")
    parser.add_argument("--units", type=ast.literal_eval, help="one of the sizes (default: all)")
    parser.add_argument("--differ", choices=DIFFERENCES, nargs="+", default=DIFFERENCES)
    parser.add_argument("--images", type=int, default=2000)
    args = parser.parse_args()
    if args.quick:
        args.images, args.differ = 70, ["lr"]
    path = (args.out or RESULTS) / "batched.json"
    found: dict[str, Any] = json.loads(path.read_text())["threads"] if path.exists() else {}
    for n_threads in args.threads:
        for kind, sizes in SIZES.items():
            for units in sizes[:1] if args.quick else sizes:
                if args.only not in (None, kind) or args.units not in (None, units):
                    continue
                settings = kind, units, args.differ, n_threads, args
                row = compare(*settings) if args.quick else in_own_process(compare, *settings)
                rows = found.setdefault(str(n_threads), {}).setdefault(kind, {})
                rows.setdefault(str(units), {}).update(row)
    result = {"candidates": K, "images": args.images, "threads": found}
    write_result("batched", result, args)


if __name__ == "__main__":
    main()
