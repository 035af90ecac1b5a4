"""What one GPU does with sk_fer, in less than ten minutes.

    SK_FER_DATA=folder python benchmarks/gpu.py [--parts tests throughput pretrained fast accurate]
                                                [--seconds 540] [--seeds 0 1 2] [--alone] [--quick]

tests       the tests that need a GPU.
throughput  images a second of training and prediction with `FERCNNClassifier`, "fast" and
            "accurate", and with a torch loop written by hand (the same network, batches and SGD,
            bfloat16, channels_last, images on the GPU), plain and compiled. A training is two
            epochs after one that warms up, without augmentation.
pretrained  the same of `FERResNet50Classifier` and `FEREfficientNetB2Classifier` with their
            defaults and random weights, on 2,048 images.
fast        `FERCNNClassifier("fast")`, trained on FER2013's Training for 10 and for 40 epochs and
            scored on PublicTest once, with several seeds.
accurate    the same of the preset "accurate".

The parts run in this order. Every measurement has a process of its own. Those of throughput and
pretrained follow one another. All fits of fast and accurate share the GPU, so that their seconds
are longer than those of one fit alone, which `--alone` measures. A measurement that fails or
exceeds its time has the reason in its row, and the others go on. After each measurement,
results/gpu.json is written anew; parts that are not asked for stay as they were. `--quick` runs
everything on the CPU, with a few drawn faces and one epoch, and writes no results.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _harness import RESULTS, command_line, describe, fer2013, machine, versions, write_text
from _jobs import Job, run_here, run_jobs

from sk_fer.datasets import make_faces

ROOT = Path(__file__).parents[1]
PARTS = ("tests", "throughput", "pretrained", "fast", "accurate")
SHARES = {"tests": 2, "throughput": 3, "pretrained": 1, "fast": 2, "accurate": 3}  # of the time
LEAST_FOR_TESTS = 45  # seconds, of which the imports take up to twenty
BATCH_SIZES = {"fast": 128, "accurate": 256}
BUDGETS = (10, 40)  # epochs of "fast"
# skorch imports torch_geometric if it is there, which takes ten seconds and is not needed.
PYTEST = "import sys; sys.modules['torch_geometric'] = None; import pytest; sys.exit(pytest.main())"
OUTCOME = r"::.* (PASSED|FAILED|SKIPPED|ERROR)"
TESTS = [
    *("-m", "gpu", "-n0", "-v", "-p", "no:cacheprovider"),
    *("-W", "ignore::DeprecationWarning", "tests/training/test_gpu.py"),
    "tests/estimators/test_batched_fit.py",
]


class Results:
    """The content of gpu.json.

    Parameters
    ----------
    path : Path or None
        The file, or None to write nothing.
    facts : dict
        What the numbers depend on.
    """

    def __init__(self, path: Path | None, facts: dict[str, Any]) -> None:
        self.path = path
        self.facts = facts
        self.parts: dict[str, dict[str, Any]] = {}
        self.before: dict[str, dict[str, Any]] = {}
        if path is not None and path.exists():
            with suppress(ValueError, AttributeError):  # another file is replaced
                self.before = dict(json.loads(path.read_text()).get("parts", {}))

    def start(self, part: str) -> dict[str, Any]:
        """Return the empty results of a part."""
        keys = ("gpu", "driver", "quick")
        on = {key: self.facts[key] for key in keys} | {"torch": torch.__version__}
        self.parts[part] = {"on": on, "rows": {}}
        return self.parts[part]

    def write(self) -> None:
        """Write the file anew."""
        for part in self.parts.values():
            summarize(part)
        if self.path is not None:
            content = {**self.facts, "parts": {**self.before, **self.parts}}
            write_text(self.path, json.dumps(content, indent=1, default=str) + "\n")


def summarize(part: dict[str, Any]) -> None:
    """Add to a part what follows from its rows."""
    for row in part["rows"].values():
        for kind in ("training", "prediction"):
            for other in ("by hand", "by hand, compiled"):
                ours, theirs = row.get(f"sk_fer, {kind}"), row.get(f"{other}, {kind}")
                if ours and theirs:
                    ratios = row.setdefault("ratios", {})
                    ratios[f"{kind}, against {other}"] = round(ours / theirs, 3)
    for name in {row["group"] for row in part["rows"].values() if "accuracy_tta" in row}:
        rows = [r for r in part["rows"].values() if r["group"] == name and "accuracy_tta" in r]
        part.setdefault("summary", {})[name] = {
            "seeds": [row["seed"] for row in rows],
            **{key: spread([row[key] for row in rows]) for key in ("accuracy", "accuracy_tta")},
            **{key: spread([row[key] for row in rows]) for key in ("seconds", "per_second")},
            "time": rows[0]["time"],
        }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the mean, least and most."""
    return {"mean": round(statistics.mean(values), 4), "min": min(values), "max": max(values)}


# -- the parts ---------------------------------------------------------------------------


class Tests:
    """A run of the tests that need a GPU, in a process of its own."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.start = time.monotonic()
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-c", PYTEST, *TESTS],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                process_group=0,
            )

    def finish(self, seconds: float) -> dict[str, Any]:
        """Wait for the end until so many seconds after the start, and return the outcome."""
        row: dict[str, Any] = {}
        try:
            self.process.wait(max(seconds - (time.monotonic() - self.start), 0))
        except subprocess.TimeoutExpired:
            row["failed"] = f"stopped after {time.monotonic() - self.start:.0f} s"
            self.process.send_signal(signal.SIGINT)  # pytest sums up what has run
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(8)
        self.stop()
        lines = self.log.read_text(errors="replace").splitlines()
        last = next((line for line in reversed(lines) if line.strip()), "").strip("= ")
        row |= {"last_line": last, "exit_code": self.process.returncode}
        row["seconds"] = round(time.monotonic() - self.start, 1)
        # One line for each test, which are there even if pytest is stopped.
        outcomes = [line for line in lines if re.search(OUTCOME, line)]
        row["outcomes"] = [line[:300] for line in outcomes]
        row["counts"] = {}
        for word in ("passed", "failed", "skipped", "error"):
            found = re.search(rf"(\d+) {word}", last)
            n_lines = sum(f" {word.upper()}" in line for line in outcomes)
            row["counts"][word] = int(found[1]) if found else n_lines
        if self.process.returncode:
            row.setdefault("failed", f"pytest ended with exit code {self.process.returncode}")
            row["output"] = lines[-150:]
        return row

    def stop(self) -> None:
        """End the process and those that it has started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(5)


def store_data(folder: Path, quick: bool) -> None:
    """Store the images as arrays, which the processes read in no time."""
    if quick:
        X, y = make_faces(28, random_state=0)
        splits = {"train": (X[:14], y[:14]), "test": (X[14:], y[14:])}
    else:
        splits = {"train": fer2013("train"), "test": fer2013("validation")}
    for subset, (X, y) in splits.items():
        np.save(folder / f"{subset}_X.npy", X)
        np.save(folder / f"{subset}_y.npy", np.asarray(y).astype(str))


def speed_jobs(part: str, folder: Path, quick: bool) -> list[Job]:
    """Return the jobs of throughput or pretrained."""
    device = "cpu" if quick else "cuda"
    if part == "throughput":
        sizes = {name: 7 if quick else size for name, size in BATCH_SIZES.items()}
        return [
            Job(f"throughput, {name}", "_gpu.throughput", (folder, name, size, device, quick))
            for name, size in sizes.items()
        ]
    return [
        Job(f"pretrained, {name}", "_gpu.pretrained", (folder, name, device, quick))
        for name in ("resnet50", "efficientnet_b2")
    ]


def accuracy_jobs(part: str, folder: Path, args: argparse.Namespace) -> list[Job]:
    """Return the jobs of fast or accurate."""
    base: dict[str, Any] = {"device": "cpu" if args.quick else "cuda"}
    groups = {"accurate": base}
    if part == "fast":
        groups = {f"fast, {n} epochs": base | {"max_epochs": n} for n in BUDGETS}
    if args.quick:
        groups = {name: {**base, "max_epochs": 1} for name in list(groups)[:1]}
    threads = 0 if args.alone or args.quick else 1
    jobs = []
    for group, parameters in groups.items():
        for seed in args.seeds:
            settings = parameters | {"random_state": seed}
            arguments = (folder, part, settings, threads)
            job = Job(f"{group}, seed {seed}", "_gpu.accuracy", arguments)
            job.row |= {"group": group}
            jobs.append(job)
    return jobs


# -- the run -----------------------------------------------------------------------------


class Run:
    """All parts, within the time.

    Parameters
    ----------
    args : argparse.Namespace
        The command line.
    results : Results
        What is written.
    """

    def __init__(self, args: argparse.Namespace, results: Results) -> None:
        self.args = args
        self.results = results
        self.end = time.monotonic() + args.seconds - (0 if args.quick else 3)
        self.waiting = [part for part in PARTS if part in args.parts]

    def left(self) -> float:
        """Return the seconds until the end."""
        return max(self.end - time.monotonic(), 0)

    def share(self, *parts: str) -> float:
        """Return the seconds of parts that come next, and take them off the list."""
        mine = sum(SHARES[part] for part in parts)
        seconds = self.left() * mine / sum(SHARES[part] for part in self.waiting)
        self.waiting = [part for part in self.waiting if part not in parts]
        return seconds

    def all(self) -> None:
        """Run the parts. One that fails has the reason in its results, and the others go on."""
        parts = list(self.waiting)
        for part in parts:
            self.results.start(part)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            reason = None
            tests = Tests(folder / "tests.log") if "tests" in parts else None
            try:
                if parts != ["tests"]:
                    reason = self.prepare(folder)
                if tests is not None:
                    with self.noting("tests"):
                        self.tests(tests)
            finally:
                if tests is not None:
                    tests.stop()
            if reason is not None:
                for part in self.waiting:
                    self.results.parts[part]["failed"] = reason
                return
            for part in ("throughput", "pretrained"):
                if part in parts:
                    with self.noting(part):
                        self.one_by_one(part, speed_jobs(part, folder, self.args.quick))
            accuracies = [part for part in ("fast", "accurate") if part in parts]
            if accuracies:
                with self.noting(*accuracies):
                    self.accuracies(accuracies, folder)

    @contextmanager
    def noting(self, *parts: str) -> Iterator[None]:
        """Note an error in the results of parts, and go on."""
        try:
            yield
        except Exception as error:
            for part in parts:
                self.results.parts[part]["failed"] = f"{type(error).__name__}: {error}"[:500]
            self.waiting = [part for part in self.waiting if part not in parts]
            traceback.print_exc()
        self.results.write()

    def tests(self, tests: Tests) -> None:
        """Wait for the tests, which began with the run."""
        seconds = max(self.share("tests"), min(LEAST_FOR_TESTS, self.left() / 2))
        row = tests.finish(time.monotonic() - tests.start + seconds)
        self.results.parts["tests"]["rows"]["gpu"] = row
        print(f"tests: {row['last_line']}", flush=True)

    def prepare(self, folder: Path) -> str | None:
        """Store the images, or return why there are none."""
        try:
            store_data(folder, self.args.quick)
        except (Exception, SystemExit) as error:
            print(f"no images: {error}", file=sys.stderr, flush=True)
            return f"no images: {type(error).__name__}: {error}"[:500]
        return None

    def one_by_one(self, part: str, jobs: list[Job]) -> None:
        """Run jobs that are alone on the GPU."""
        until = time.monotonic() + self.share(part)
        for place, job in enumerate(jobs):
            seconds = (until - time.monotonic()) / (len(jobs) - place)
            self.results.parts[part]["rows"][job.name] = job.row
            self.run([job], seconds)

    def accuracies(self, parts: list[str], folder: Path) -> None:
        """Run the fits, which share the GPU unless each is to be alone."""
        groups = {part: accuracy_jobs(part, folder, self.args) for part in parts}
        jobs = [job for part in parts for job in groups[part]]
        shared = "wall time, alone on the GPU"
        if not self.args.alone:
            shared = f"wall time, {len(jobs)} processes at once on the GPU"
        for job in jobs:
            job.row["time"] = shared
        if not self.args.alone:
            for part in parts:
                self.results.parts[part]["rows"] = {job.name: job.row for job in groups[part]}
            self.run(jobs, self.share(*parts))
            return
        for part in parts:
            self.one_by_one(part, groups[part])

    def run(self, jobs: list[Job], seconds: float) -> None:
        """Run jobs at once, and print what came of them."""
        if self.args.quick:
            run_here(jobs, self.results.write)
        else:
            run_jobs(jobs, seconds, self.results.write)
        for job in jobs:
            print(f"{job.name}: {in_words(job.row)}", flush=True)


def in_words(row: Mapping[str, Any]) -> str:
    """Return a row of results as one line."""
    words = []
    for key, value in row.items():
        if key.endswith(("training", "prediction")):
            words.append(f"{key} {value:,.0f}/s")
    if "accuracy" in row:
        words.append(f"{row['accuracy']:.2%}")
    if "accuracy_tta" in row:
        words.append(f"with mirror images {row['accuracy_tta']:.2%}")
    if "epochs" in row:
        words.append(f"{row['epochs']} of {row['max_epochs']} epochs")
    if "seconds" in row:
        words.append(f"{row['seconds']:.0f} s")
    words += [f"{key}: {value:.2f}x" for key, value in row.get("ratios", {}).items()]
    words += [f"{key} failed: {value}" for key, value in row.get("failures", {}).items()]
    if "failed" in row:
        words.append(f"failed: {row['failed']}")
    return ", ".join(words)


def driver() -> str | None:
    """Return the version of the GPU's driver."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else None


def describe_run(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the numbers depend on."""
    where = machine()
    return {
        "machine": where,
        "gpu": where["gpu"],
        "driver": driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "versions": versions(),
        "quick": args.quick,
    }


def failed(part: Mapping[str, Any]) -> bool:
    """Return whether something in a part failed."""
    return "failed" in part or any("failed" in row for row in part["rows"].values())


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--seconds", type=float, default=540, help="of all parts, after the imports (%(default)s)"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--alone", action="store_true", help="one fit at a time")
    args = parser.parse_args()
    if not args.quick and not torch.cuda.is_available():
        print("torch sees no CUDA device here; --quick runs on the CPU", file=sys.stderr)
        raise SystemExit(2)
    if not args.quick:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    folder = args.out or (None if args.quick else RESULTS)
    run = Run(args, Results(folder / "gpu.json" if folder else None, describe_run(args)))
    facts = run.results.facts
    print(f"{describe(facts['machine'])}; driver {facts['driver']}, torch {torch.__version__}")
    try:
        run.all()
    except KeyboardInterrupt:
        print("interrupted; the results so far are kept", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        run.results.write()
    for part in args.parts:
        for group, row in run.results.parts[part].get("summary", {}).items():
            plain, mirrored = row["accuracy"], row["accuracy_tta"]
            print(
                f"{group}, seeds {row['seeds']}: {plain['mean']:.2%} ({plain['min']:.2%} to "
                f"{plain['max']:.2%}), with mirror images {mirrored['mean']:.2%} "
                f"({mirrored['min']:.2%} to {mirrored['max']:.2%}), {row['seconds']['mean']:.0f} s "
                f"({row['time']})"
            )
    if run.results.path is not None:
        print(f"written to {run.results.path}")
    if any(failed(run.results.parts[part]) for part in args.parts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
