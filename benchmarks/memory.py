"""Peak memory of `fit`: with images of FER2013's size in memory, and with a memory map of 20 GB.

    python benchmarks/memory.py [--only fer2013 mapped] [--gigabytes 20] [--quick]

fer2013   28,709 uint8 images of 48x48 pixels, each in a separate process: sk_fer, and plain skorch
          with a float32 array that was made without and with float64 (as by `images / 255.0`). Each
          fit is stopped after some batches, because its memory does not grow later.
mapped    one epoch of dense layers over a sparse file of 20 GB, a memory map of colour images of
          224x224; `--image-side` and `--gigabytes` change that.

The peak is VmHWM, the largest resident memory of the whole process, including libraries and pages
of a mapped file. In addition, VmRSS is sampled, with and without the pages of the file. Linux only.
Writes results/memory_<section>.json.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from _harness import command_line, in_own_process, proc_status, write_result
from _peers import as_floats, random_faces, sk_fer_classifier, skorch_classifier
from skorch.callbacks import Callback

from sk_fer import FERDenseClassifier

SECTIONS = ("fer2013", "mapped")
N_TRAINING = 28_709


class StopAfter(Callback):
    """End the fit after some batches."""

    def __init__(self, n_batches: int) -> None:
        self.n_batches = n_batches

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start to count."""
        self.n_seen_ = 0

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Count, and stop."""
        self.n_seen_ += 1
        if self.n_seen_ == self.n_batches:
            raise KeyboardInterrupt  # skorch's word for a wish to stop


class Sampler(threading.Thread):
    """Record the largest resident memory, with and without mapped files, ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.finished = threading.Event()
        self.peaks = {"VmRSS": 0.0, "RssAnon": 0.0}

    def run(self) -> None:
        """Sample until the end is requested."""
        while not self.finished.wait(0.1):
            for field, peak in self.peaks.items():
                self.peaks[field] = max(peak, proc_status(field))


def fit_sk_fer(name: str, n: int, n_batches: int) -> dict[str, float]:
    X, y = random_faces(n)
    before = proc_status("VmHWM")
    callbacks = [StopAfter(n_batches)]
    sk_fer_classifier(name, "cpu", "auto", max_epochs=1, callbacks=callbacks).fit(X, y)
    return peak(before, X)


def fit_skorch(name: str, n: int, n_batches: int, through: str) -> dict[str, float]:
    X, y = random_faces(n)
    before = proc_status("VmHWM")
    floats = as_floats(X) if through == "float32" else (X[:, None] / 255.0).astype(np.float32)
    skorch_classifier(name, "cpu", max_epochs=1, callbacks=[StopAfter(n_batches)]).fit(floats, y)
    return peak(before, X)


def peak(before: float, X: np.ndarray) -> dict[str, float]:
    most = proc_status("VmHWM")
    return {
        "peak_mb": round(most, 1),
        "before_mb": round(before, 1),
        "images_mb": round(X.nbytes / 1e6, 1),
        "above_images_mb": round(most - X.nbytes / 1e6, 1),
    }


def fer2013(args: argparse.Namespace) -> dict[str, Any]:
    """Measure fits on images in memory."""
    n, n_batches = (28, 1) if args.quick else (N_TRAINING, args.batches)
    ways: dict[str, tuple] = {
        "sk_fer, fast": (fit_sk_fer, "fast", n, n_batches),
        "sk_fer, vgg": (fit_sk_fer, "vgg", n, n_batches),
        "skorch on float32, fast": (fit_skorch, "fast", n, n_batches, "float32"),
        "skorch through float64, fast": (fit_skorch, "fast", n, n_batches, "float64"),
    }
    if args.quick:
        del ways["sk_fer, vgg"]
    print(f"\npeak memory of fit on {n:,} images, {n_batches} batches of 128")
    fits = {}
    for name, way in ways.items():
        # A separate process starts slowly, but its peak contains no other fits.
        fits[name] = way[0](*way[1:]) if args.quick else in_own_process(*way)
        row = fits[name]
        print(
            f"{name:30} {row['peak_mb']:7,.0f} MB: the images, {row['images_mb']:.0f} MB, and "
            f"{row['above_images_mb']:,.0f} MB ({row['before_mb']:,.0f} MB before fit)",
            flush=True,
        )
    float64_mb = round(n * 48 * 48 * 8e-6)
    return {"images": n, "batches": n_batches, "float64_mb": float64_mb, "fits": fits}


def fit_mapped(path: str, shape: tuple[int, int, int, int]) -> dict[str, float]:
    X = np.memmap(path, dtype=np.uint8, mode="r", shape=shape)
    y = np.arange(len(X)) % 7
    model = FERDenseClassifier(hidden_layer_sizes=(8,), max_epochs=1, device="cpu", random_state=0)
    sampler = Sampler()
    sampler.start()
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    sampler.finished.set()
    sampler.join()
    return {
        "seconds": round(seconds, 1),
        "peak_mb": round(proc_status("VmHWM"), 1),
        "sampled_peak_mb": round(sampler.peaks["VmRSS"], 1),
        "sampled_peak_without_file_mb": round(sampler.peaks["RssAnon"], 1),
    }


def mapped(args: argparse.Namespace) -> dict[str, Any]:
    """Measure a fit on a memory map larger than memory."""
    gigabytes, side = (0.02, 64) if args.quick else (args.gigabytes, args.image_side)
    shape = (int(gigabytes * 1e9) // (side * side * 3), side, side, 3)
    print(f"\npeak memory of an epoch on a memory map of {gigabytes:g} GB, {shape}", flush=True)
    with tempfile.NamedTemporaryFile(dir=args.folder) as file:
        file.truncate(int(np.prod(shape)))
        row = in_own_process(fit_mapped, file.name, shape)
    print(
        f"{row['peak_mb']:,.0f} MB; sampled {row['sampled_peak_mb']:,.0f} MB, of which "
        f"{row['sampled_peak_without_file_mb']:,.0f} MB at most are not the file's; "
        f"{row['seconds']:.0f} s"
    )
    return {"gigabytes": gigabytes, "shape": shape, **row}


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--batches", type=int, default=20, help="of each fit (%(default)s)")
    parser.add_argument("--gigabytes", type=float, default=20.0, help="of the sparse file")
    parser.add_argument("--image-side", type=int, default=224, help="of its images (%(default)s)")
    parser.add_argument("--folder", type=Path, help="of the sparse file (default: temporary)")
    args = parser.parse_args()
    for section in args.only:
        measure = fer2013 if section == "fer2013" else mapped
        write_result(f"memory_{section}", measure(args), args)


if __name__ == "__main__":
    main()
