"""Shared code of the benchmarks: timing in turns, ratios, the machine, and JSON.

Each contestant runs in a separate process, so that it cannot affect the memory allocator, the
thread pools or the GPU of the others. They run one at a time, in turns (A, B, C, A, B, C, ...), so
that a change of the speed of the machine affects all of them.
"""

import argparse
import ast
import json
import multiprocessing
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from sk_fer.datasets import load_fer2013

RESULTS = Path(__file__).parent / "results"
FLAGS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
LIBRARIES = ("sk_fer", "torch", "scikit-learn", "skorch", "numpy", "pandas", "keras", "onnxruntime")

# Not forked, because sk_fer uses one thread in a forked process and others use all cores.
_processes = multiprocessing.get_context("spawn")


class AbsentError(Exception):
    """Error for a contestant that cannot run here. The message contains the reason."""


@dataclass(frozen=True)
class Contestant:
    """Something to time.

    Attributes
    ----------
    name : str
        The name in the table.
    prepare : callable
        A function at the top of a module. It does the work that is not timed, and returns the
        function that is timed. If it raises an ImportError or AbsentError, the contestant is left
        out, and the reason is printed.
    arguments : tuple
        The arguments of `prepare`.
    work : int
        The number of images (or rows) in a call.
    flops : float
        The number of floating-point operations in a call, if they were counted.
    precision : str
        The precision of matrix products. The measured peak of the same precision is the limit.
    """

    name: str
    prepare: Callable[..., Callable[[], object]]
    arguments: tuple = ()
    work: int = 0
    flops: float = 0.0
    precision: str = "float32"


@dataclass(frozen=True)
class Race:
    """Seconds of each contestant, a round each, and why some did not run."""

    contestants: list[Contestant]
    seconds: dict[str, list[float]]
    skipped: dict[str, str]

    def speed(self, contestant: Contestant) -> float:
        """Images a second, of the median round."""
        return contestant.work / statistics.median(self.seconds[contestant.name])

    def ratio(self, ours: str, other: str) -> dict[str, float]:
        """How many times as fast as another: the median, least and most over the rounds."""
        pairs = zip(self.seconds[other], self.seconds[ours], strict=True)
        ratios = [theirs / own for theirs, own in pairs]
        return {
            "median": round(statistics.median(ratios), 3),
            "min": round(min(ratios), 3),
            "max": round(max(ratios), 3),
        }

    def peaks(self) -> dict[str, float]:
        """FLOP/s of the fastest matrix product of each precision."""
        return {
            c.precision: c.flops / min(self.seconds[c.name])
            for c in self.contestants
            if c.prepare is matrix_product and c.name in self.seconds
        }

    def result(self, ours: str | None = None) -> dict[str, Any]:
        """Return all of it, as JSON knows it."""
        ran = [c for c in self.contestants if c.name in self.seconds]
        rows: dict[str, dict[str, Any]] = {}
        for contestant in ran:
            row: dict[str, Any] = {"seconds": [round(s, 4) for s in self.seconds[contestant.name]]}
            if contestant.work:
                row["per_second"] = round(self.speed(contestant), 1)
            if contestant.flops:
                achieved = contestant.flops / statistics.median(self.seconds[contestant.name])
                row["tflops"] = round(achieved / 1e12, 4)
                if contestant.precision in self.peaks():
                    row["share_of_peak"] = round(achieved / self.peaks()[contestant.precision], 3)
            rows[contestant.name] = row
        others = [c.name for c in ran if c.work and c.name != ours and ours in self.seconds]
        return {
            "rounds": len(next(iter(self.seconds.values()))),
            "contestants": rows,
            "ratios": {name: self.ratio(ours, name) for name in others} if ours else {},
            "skipped": self.skipped,
        }


def race(contestants: list[Contestant], repeats: int, *, quick: bool = False) -> Race:
    """Run the contestants in turns, after a warm-up of each.

    Parameters
    ----------
    contestants : list of Contestant
        The contestants, with different names.
    repeats : int
        The number of rounds.
    quick : bool
        Whether to run one round in threads instead of processes, only to test the code.

    Returns
    -------
    Race
    """
    seconds: dict[str, list[float]] = {}
    skipped: dict[str, str] = {}
    channels: dict[str, Connection] = {}
    workers = []
    for contestant in contestants:
        channel, worker = _start(_serve, (contestant,), in_thread=quick)
        workers.append(worker)
        reason = _receive(channel, contestant.name)  # waits for the warm-up
        if reason is None:
            channels[contestant.name] = channel
            seconds[contestant.name] = []
        else:
            skipped[contestant.name] = reason
            print(f"  {contestant.name}: skipped, {reason}", flush=True)
    for _ in range(1 if quick else repeats):
        for name, channel in channels.items():
            channel.send(True)
            seconds[name].append(_receive(channel, name))
    for channel in channels.values():
        channel.send(False)
    for worker in workers:
        worker.join()
    return Race(contestants, seconds, skipped)


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function at the top of a module in a new process, and return its result."""
    channel, process = _start(_call, (function, arguments))
    result = _receive(channel, function.__name__)
    process.join()
    return result


def _start(
    target: Callable, arguments: tuple, *, in_thread: bool = False
) -> tuple[Connection, Any]:
    """Start a worker with the other end of a connection, which it closes when it ends."""
    ours, theirs = _processes.Pipe()
    kind = threading.Thread if in_thread else _processes.Process
    worker = kind(target=target, args=(theirs, *arguments), daemon=True)
    worker.start()
    if not in_thread:
        theirs.close()
    return ours, worker


def _serve(channel: Connection, contestant: Contestant) -> None:
    with channel:
        try:
            run = contestant.prepare(*contestant.arguments)
            run()
        except (ImportError, AbsentError) as error:
            channel.send(str(error))
            return
        channel.send(None)
        while channel.recv():
            start = time.perf_counter()
            run()
            channel.send(time.perf_counter() - start)


def _call(channel: Connection, function: Callable[..., Any], arguments: tuple) -> None:
    channel.send(function(*arguments))


def _receive(channel: Connection, name: str) -> Any:
    try:
        return channel.recv()
    except EOFError:
        raise RuntimeError(f"{name} ended early; its traceback is above") from None


# -- the ceiling -------------------------------------------------------------------------


def matrix_product(device: str, precision: str, side: int, times: int) -> Callable[[], None]:
    """Multiply square matrices: what the machine can do at most."""
    dtype = getattr(torch, precision)
    a = torch.randn(side, side, device=device).to(dtype)
    b = torch.randn(side, side, device=device).to(dtype)
    out = torch.empty_like(a)

    def run() -> None:
        for _ in range(times):
            torch.mm(a, b, out=out)
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def matrix_products(device: str, best: str, *, quick: bool) -> list[Contestant]:
    """Return the contestants that measure the peak in float32 and in the best precision.

    Where bfloat16 is emulated it would take minutes.
    """
    side, times = (8192, 10) if device == "cuda" else (2048, 4)
    if quick:
        side, times = 64, 1
    flops = 2.0 * side**3 * times
    return [
        Contestant(
            f"matrix product, {precision}",
            matrix_product,
            (device, precision, side, times),
            flops=flops,
            precision=precision,
        )
        for precision in dict.fromkeys(("float32", best))
    ]


# -- what the numbers belong to ----------------------------------------------------------


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, instructions, memory, GPU and threads."""
    lines = _lines("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    limit = os.environ.get("ATEN_CPU_CAPABILITY")  # of the instructions that PyTorch uses
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory_gb": round(gigabytes),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        **({"limit": limit} if limit else {}),
    }


def describe(of: Mapping[str, Any]) -> str:
    """Return a machine in words, with the note that somebody wrote into the results."""
    limit = of.get("limit")
    flags = f"{limit} only" if limit else ", ".join(of["flags"][:2]) or "no vectors"
    note = f"; {of['note']}" if "note" in of else ""
    cpu = f"{of['cores']} cores of {of['cpu']} ({flags}{note})"
    return f"{of['gpu']}, {cpu}" if of["gpu"] else cpu


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    found = {"python": platform.python_version()}
    for name in (*LIBRARIES, "tensorflow", "tensorflow-cpu"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def proc_status(field: str) -> float:
    """Return a line of /proc/self/status ("VmHWM", the peak; "VmRSS", ...) in MB."""
    for line in _lines("/proc/self/status"):
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AbsentError(f"no {field} in /proc/self/status; memory is measured on Linux only")


def _lines(path: str) -> list[str]:
    return Path(path).read_text(errors="replace").splitlines() if Path(path).exists() else []


# -- command line, table, file -----------------------------------------------------------


def command_line(doc: str | None, *, repeats: int | None = 5) -> argparse.ArgumentParser:
    """Return a parser with what all benchmarks take."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="tiny input; writes no results")
    parser.add_argument("--out", type=Path, help="folder of the JSON file (default: results/)")
    if repeats:
        parser.add_argument("--repeats", type=int, default=repeats, help="rounds (%(default)s)")
    return parser


def parameter(text: str) -> tuple[str, Any]:
    """Turn "name=value" into a name and a Python value."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def race_command_line(doc: str | None, names: Sequence[str]) -> argparse.ArgumentParser:
    """Return the same for races of several names, on a device that can be chosen."""
    parser = command_line(doc)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--device", default="auto", help="as the estimators take it")
    parser.add_argument("--images", type=int, help="images of a call (default: by device)")
    return parser


def print_race(result: Mapping[str, Any], title: str) -> None:
    """Print a table of what :meth:`Race.result` returned."""
    print(f"\n{title}, {result['rounds']} rounds")
    print(f"{'':34} {'per second':>12} {'TFLOP/s':>8} {'of peak':>8}   ours is faster by")
    for name, row in result["contestants"].items():
        speed = f"{row['per_second']:,.0f}" if "per_second" in row else ""
        tflops = f"{row['tflops']:.3f}" if "tflops" in row else ""
        share = f"{row['share_of_peak']:.0%}" if "share_of_peak" in row else ""
        ratio = result["ratios"].get(name)
        times = (
            f"{ratio['median']:.2f}x ({ratio['min']:.2f} to {ratio['max']:.2f})" if ratio else ""
        )
        print(f"{name:34} {speed:>12} {tflops:>8} {share:>8}   {times}", flush=True)


def suffix(device: str, precision: str) -> str:
    """Return what the names of results on a kind of processor end with."""
    if device == "cuda":
        return "_cuda"
    return "_bf16" if precision == "bfloat16" else ""


def write_result(name: str, result: Mapping[str, Any], args: argparse.Namespace) -> None:
    """Write <name>.json with the machine and the versions; --quick alone writes nothing."""
    where = machine()
    print(f"{describe(where)}; torch {torch.__version__}, {where['threads']} threads")
    folder = args.out or (None if args.quick else RESULTS)
    if folder is not None:
        content = {"machine": where, "versions": versions(), "quick": args.quick, **result}
        write_json(folder / f"{name}.json", content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of results, whole or not at all."""
    write_text(path, json.dumps(content, indent=1) + "\n")
    print(f"written to {path}")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text)
    os.replace(aside, path)


def data_folder() -> Path:
    """Return the folder of the real images, which SK_FER_DATA names."""
    folder = os.environ.get("SK_FER_DATA")
    if folder is None:
        raise SystemExit("set SK_FER_DATA to the folder with fer2013.csv, or pass --quick")
    return Path(folder)


def fer2013(subset: str) -> tuple[Any, Any]:
    """Return images and labels of a split of FER2013."""
    return load_fer2013(data_folder() / "fer2013.csv", subset=subset, return_X_y=True)
