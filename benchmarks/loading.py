"""The speed of reading fer2013.csv: `load_fer2013`, the first time and later, and usual ways.

    SK_FER_DATA=folder python benchmarks/loading.py [--quick]

The script reads SK_FER_DATA/fer2013.csv, or a generated file of the same size if SK_FER_DATA is not
set. Each call reads the whole file to uint8 images and labels; the first call also writes the
cache. The file is in the page cache for all contestants, as in the second run of a script. Writes
results/loading.json.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from _harness import Contestant, command_line, print_race, race, write_result

from sk_fer.datasets import load_fer2013

N_ROWS, N_PIXELS = 35_887, 48 * 48


def load_first(path: Path) -> Callable[[], object]:
    """Read the file, and write the cache into a fresh data home."""

    def run() -> None:
        with tempfile.TemporaryDirectory() as home:
            load_fer2013(path, subset="all", data_home=home)

    return run


def load_cached(path: Path, home: Path) -> Callable[[], object]:
    """Read what an earlier call left in the data home."""
    return lambda: load_fer2013(path, subset="all", data_home=home)


def split_rows(path: Path) -> Callable[[], object]:
    """Read as most notebooks do: with pandas, then split() for each row."""
    import pandas as pd

    def run() -> tuple:
        table = pd.read_csv(path)
        rows = [np.array(row.split(), dtype=np.uint8) for row in table["pixels"]]
        return np.stack(rows), table["emotion"].to_numpy()

    return run


def fromstring_rows(path: Path) -> Callable[[], object]:
    """Read with pandas, then NumPy's text parser for each row."""
    import pandas as pd

    def run() -> tuple:
        table = pd.read_csv(path)
        rows = [np.fromstring(row, dtype=np.uint8, sep=" ") for row in table["pixels"]]
        return np.stack(rows), table["emotion"].to_numpy()

    return run


def loadtxt(path: Path) -> Callable[[], object]:
    """Read the pixels of all rows with one call of numpy.loadtxt."""

    def run() -> tuple:
        with path.open() as file:
            next(file)
            rows = [line.rstrip("\n").split(",") for line in file]
        pixels = np.loadtxt([row[1] for row in rows], dtype=np.uint8)
        return pixels, np.array([row[0] for row in rows], dtype=np.int64)

    return run


def make_csv(path: Path, n_rows: int) -> None:
    """Write a file of FER2013's form."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write("emotion,pixels,Usage\n")
        for row in range(n_rows):
            pixels = " ".join(map(str, rng.integers(0, 256, N_PIXELS).tolist()))
            usage = "Training" if row % 10 else "PublicTest"
            file.write(f"{row % 7},{pixels},{usage}\n")


def main() -> None:
    args = command_line(__doc__).parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = Path(os.environ.get("SK_FER_DATA", folder), "fer2013.csv")
        real = "SK_FER_DATA" in os.environ and not args.quick
        if not real:
            path = folder / "fer2013.csv"
            make_csv(path, 50 if args.quick else N_ROWS)
        n_rows = len(load_fer2013(path, subset="all", data_home=folder).data)
        ways: dict[str, tuple] = {
            "load_fer2013, first time": (load_first, path),
            "load_fer2013, from the cache": (load_cached, path, folder),
            "read_csv and split() a row": (split_rows, path),
            "read_csv and fromstring a row": (fromstring_rows, path),
            "numpy.loadtxt": (loadtxt, path),
        }
        entries = [Contestant(name, way[0], way[1:], n_rows) for name, way in ways.items()]
        outcome = race(entries, args.repeats, quick=args.quick)
        first, cached = list(ways)[:2]
        result = outcome.result(first)
        others = [name for name in ways if name not in (first, cached)]
        result["ratios_cached"] = {name: outcome.ratio(cached, name) for name in others}
        megabytes = path.stat().st_size / 1e6
    print_race(result, f"fer2013.csv: {n_rows:,} rows, {megabytes:.0f} MB")
    for name, ratio in result["ratios_cached"].items():
        print(f"from the cache against {name}: {ratio['median']:.0f}x")
    facts = {
        "rows": n_rows,
        "megabytes": round(megabytes, 1),
        "real": real,
        "repeats": args.repeats,
    }
    write_result("loading", facts | result, args)


if __name__ == "__main__":
    main()
