"""What a grid search costs beside its training, and the memory that it takes with two processes.

    python benchmarks/search.py [--only dense cnn memory] [--images 10000] [--repeats 3] [--quick]

dense    12 candidates by 5 folds of a Pipeline of HistogramEqualizer and FERDenseClassifier.
cnn      the same with FERCNNClassifier("fast"), 4 candidates by 3 folds, and a fifth of the images.
memory   a search of dense networks over all 28,709 training images of FER2013 with n_jobs=2, and
         memory_pipeline the same with HistogramEqualizer before them.

`--here` measures all of it in this process, which saves the start of others, with n_jobs=1 only.

The unit of the first two is the bare training arithmetic: the sum of the epochs of the same fits
on images that were preprocessed before, after a fit that warms up. GridSearchCV of scikit-learn
and FERGridSearchCV run without refit, each in a process of its own. "one by one" is
FERGridSearchCV with batched=False. The parts of GridSearchCV are measured in its process.

Each process has one thread. The time of the processor hardly depends on other work on the machine;
the wall time does. With n_jobs=2, the wall time is compared with half of the arithmetic, on two
cores. Both contain the start and the imports of the two workers. Memory is the PSS of the process
and its workers: a page that k processes map counts as 1/k in each. Linux only.
Writes results/search.json.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from _harness import command_line, fer2013, write_result
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold, _validation
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces
from sk_fer.model_selection import FERGridSearchCV
from sk_fer.preprocessing import HistogramEqualizer

SECTIONS = ("dense", "cnn", "memory", "memory_pipeline")
N_TRAINING = 28_709
SETTINGS = {"max_epochs": 2, "batch_size": 64, "random_state": 0, "device": "cpu"}
NETS = {
    "dense": (
        FERDenseClassifier((256, 128), **SETTINGS),
        {"lr": [1e-4, 3e-4, 1e-3, 3e-3], "dropout": [0.1, 0.2, 0.3]},
        5,
    ),
    "cnn": (FERCNNClassifier(**SETTINGS), {"lr": [0.005, 0.01], "dropout": [0.2, 0.4]}, 3),
}
SEARCHES: dict[str, Callable[..., Any]] = {
    "GridSearchCV": GridSearchCV,
    "FERGridSearchCV, one by one": lambda *args, **kwargs: FERGridSearchCV(
        *args, batched=False, **kwargs
    ),
    "FERGridSearchCV": FERGridSearchCV,
}


class EpochTime(Callback):
    """Add up the processor time and the wall time of the epochs."""

    total = wall = 0.0

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Start the clocks."""
        self.start_ = time.process_time(), time.perf_counter()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Stop them."""
        EpochTime.total += time.process_time() - self.start_[0]
        EpochTime.wall += time.perf_counter() - self.start_[1]


def training_images(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return real images, or drawn ones for a test of the code."""
    if n < 1000:
        return make_faces(n, random_state=0)
    X, y = fer2013("train")
    rows = np.random.default_rng(0).permutation(len(X))[:n]
    return X[rows], y[rows]


def cross_validation(n_folds: int) -> StratifiedKFold:
    return StratifiedKFold(n_folds, shuffle=True, random_state=0)


def arithmetic(name: str, n: int) -> dict[str, float]:
    """Measure the epochs of all fits on preprocessed images."""
    torch.set_num_threads(1)
    net, grid, n_folds = NETS[name]
    X, y = training_images(n)
    X = HistogramEqualizer().fit_transform(X)
    clone(net).fit(X[: n // 4], y[: n // 4])
    for train, _ in cross_validation(n_folds).split(X, y):
        images, labels = X[train], y[train]
        for params in ParameterGrid(grid):
            model = clone(net).set_params(**params, callbacks=[EpochTime()])
            model.fit(images, labels)
    return {"seconds": round(EpochTime.total, 2), "wall_seconds": round(EpochTime.wall, 2)}


def pipeline(name: str) -> tuple[Any, dict[str, Any]]:
    net, grid, _ = NETS[name]
    model = make_pipeline(HistogramEqualizer(), net)
    return model, {f"{model.steps[-1][0]}__{key}": values for key, values in grid.items()}


def searched(kind: str, name: str, n: int, n_jobs: int, parts: bool) -> dict[str, Any]:
    """Measure a search, and its parts."""
    os.environ["OMP_NUM_THREADS"] = "1"  # for the workers
    torch.set_num_threads(1)
    X, y = training_images(n)
    model, grid = pipeline(name)
    clone(model).fit(X[: n // 4], y[: n // 4])
    search = SEARCHES[kind](
        model, grid, cv=cross_validation(NETS[name][2]), refit=False, n_jobs=n_jobs
    )
    times: dict[str, float] = {}
    start = time.perf_counter()
    before = time.process_time()
    if parts:
        search.estimator.steps[-1][1].set_params(callbacks=[EpochTime()])
        with (
            timed(HistogramEqualizer, "transform", times),
            timed(type(NETS[name][0]), "predict_proba", times),
            timed(_validation, "_safe_split", times),
        ):
            search.fit(X, y)
    else:
        search.fit(X, y)
    seconds = time.process_time() - before + sum(map(processor_seconds, descendants()))
    row = {
        "seconds": round(seconds, 2),
        "wall_seconds": round(time.perf_counter() - start, 2),
        "best_score": round(float(search.best_score_), 4),
    }
    if parts:
        shown = {
            "epochs": EpochTime.total,
            "preprocessing": times["transform"],
            "scores, after preprocessing": times["predict_proba"],
            "copies of X": times["_safe_split"],
        }
        shown["all else"] = seconds - sum(shown.values())
        row["parts"] = {key: round(value, 3) for key, value in shown.items()}
    return row


@contextmanager
def timed(owner: Any, name: str, times: dict[str, float]) -> Iterator[None]:
    """Add up the processor time of a function inside a ``with`` block."""
    function = getattr(owner, name)
    times[name] = 0.0

    def measured(*args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            times[name] += time.process_time() - start

    with patch.object(owner, name, measured):
        yield


def descendants() -> list[int]:
    """Return the processes that this one has started, and those that they have started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss(pid: int | str) -> dict[str, float]:
    """Return the proportional and the private memory of a process in MB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return {"pss": 0.0, "private": 0.0}
    kilobytes = {key: int(value.split()[0]) for key, value in (x.split(":") for x in lines[1:])}
    private = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    return {"pss": kilobytes["Pss"] * 1.024e-3, "private": private * 1.024e-3}


class Sampler(threading.Thread):
    """Record the largest memory of this process and its workers."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.finished = threading.Event()
        self.all_pss = self.worker_private = 0.0

    def run(self) -> None:
        """Sample until the end is requested."""
        while not self.finished.wait(0.2):
            workers = [pss(pid) for pid in descendants()]
            total = pss("self")["pss"] + sum(row["pss"] for row in workers)
            self.all_pss = max(self.all_pss, total)
            self.worker_private = max([self.worker_private, *(row["private"] for row in workers)])


def memory_of(kind: str, with_step: bool, n: int, n_images: int) -> dict[str, float]:
    """Measure the memory of a search over the first `n_images` of `n` images."""
    os.environ["OMP_NUM_THREADS"] = "1"
    X, y = training_images(n)
    X, y = X[:n_images].copy(), y[:n_images]
    net = FERDenseClassifier((8,), **{**SETTINGS, "max_epochs": 1, "batch_size": 512})
    model = make_pipeline(HistogramEqualizer(), net) if with_step else net
    name = f"{model.steps[-1][0]}__lr" if with_step else "lr"
    search = SEARCHES[kind](model, {name: [1e-3, 3e-3, 1e-2]}, cv=2, refit=False, n_jobs=2)
    sampler = Sampler()
    sampler.start()
    search.fit(X, y)
    sampler.finished.set()
    sampler.join()
    return {
        "images_mb": round(X.nbytes / 1e6, 1),
        "all_pss_mb": round(sampler.all_pss, 1),
        "private_of_a_worker_mb": round(sampler.worker_private, 1),
    }


def run(function: Callable[..., Any], *args: Any, here: bool) -> Any:
    """Call a function in a process of its own, or here."""
    if here:
        return without_workers(function, *args)
    # The processes of the other benchmarks may not start workers.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(without_workers, function, *args).result()


def without_workers(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function, and end the workers of joblib, which would wait for minutes."""
    EpochTime.total = EpochTime.wall = 0.0
    try:
        return function(*args)
    finally:
        get_reusable_executor().shutdown()


def times(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Measure the searches of a network in rounds."""
    n = 70 if args.quick else args.images // (5 if name == "cnn" else 1)
    jobs = (1,) if args.here else (1, 2)
    kinds = [kind for kind in SEARCHES if name == "dense" or kind != "FERGridSearchCV"]
    rounds = []
    for _ in range(1 if args.quick else args.repeats):
        row: dict[str, Any] = {"arithmetic": run(arithmetic, name, n, here=args.here)}
        for kind in kinds:
            for n_jobs in jobs:
                parts = kind == "GridSearchCV" and n_jobs == 1
                row[f"{kind}, n_jobs={n_jobs}"] = run(
                    searched, kind, name, n, n_jobs, parts, here=args.here
                )
        rounds.append(row)
    ratios, wall_ratios = {}, {}
    bare = statistics.median(row["arithmetic"]["seconds"] for row in rounds)
    print(f"\n{name}, {n:,} images: the arithmetic is {bare:.1f} s of the processor")
    for kind in kinds:
        for n_jobs in jobs:
            label = f"{kind}, n_jobs={n_jobs}"
            ratios[label] = median_ratio(rounds, label, "seconds")
            wall_ratios[label] = median_ratio(rounds, label, "wall_seconds", n_jobs)
            print(
                f"{label:40} {ratios[label]:6.3f} times the arithmetic in processor time, "
                f"{wall_ratios[label]:6.3f} in wall time",
                flush=True,
            )
    print(rounds[-1]["GridSearchCV, n_jobs=1"]["parts"])
    candidates = len(ParameterGrid(NETS[name][1]))
    return {
        "images": n,
        "candidates": candidates,
        "folds": NETS[name][2],
        "ratios": ratios,
        "wall_ratios": wall_ratios,
        "rounds": rounds,
    }


def median_ratio(rounds: list[dict[str, Any]], label: str, key: str, n_cores: int = 1) -> float:
    """Return how many times as long as its arithmetic on that many cores a search takes."""
    return round(
        statistics.median(n_cores * row[label][key] / row["arithmetic"][key] for row in rounds), 3
    )


def memory(args: argparse.Namespace, *, with_step: bool) -> dict[str, Any]:
    """Measure the memory that the images add to a search."""
    n, few = (140, 70) if args.quick else (N_TRAINING, 1000)
    rows = {}
    for kind in ("GridSearchCV", "FERGridSearchCV"):
        base, full = (run(memory_of, kind, with_step, n, size, here=args.here) for size in (few, n))
        label = f"{kind}, {'Pipeline' if with_step else 'classifier'}"
        rows[label] = {
            **full,
            "of_few_images": base,
            "times_the_images": times_the_images(full, base, "all_pss_mb"),
            "private_times_the_images": times_the_images(full, base, "private_of_a_worker_mb"),
        }
        print(f"{label:34} {rows[label]}", flush=True)
    return {"images": n, "searches": rows}


def times_the_images(full: dict[str, float], base: dict[str, float], key: str) -> float:
    """Return the memory that more images added, as a multiple of their size."""
    return round((full[key] - base[key]) / (full["images_mb"] - base["images_mb"]), 2)


def main() -> None:
    parser = command_line(__doc__, repeats=3)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--images", type=int, default=10_000, help="of dense (%(default)s)")
    parser.add_argument("--here", action="store_true", help="in this process only")
    args = parser.parse_args()
    args.here = args.here or args.quick
    if args.quick:
        for name, (net, grid, _) in NETS.items():
            NETS[name] = net.set_params(max_epochs=1), {"lr": grid["lr"][:2]}, 2
    sections: dict[str, Any] = {}
    for name in args.only:
        if name.startswith("memory"):
            sections[name] = memory(args, with_step=name == "memory_pipeline")
        else:
            sections[name] = times(name, args)
        write_result("search", {"one_process": args.here, "sections": sections}, args)


if __name__ == "__main__":
    main()
