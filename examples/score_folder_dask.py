"""
Score a large folder with Dask
==============================

The workers of a Dask cluster predict the faces of all images in a folder, and a script that was
stopped continues where it was.

::

    pip install ".[dask]"
    python examples/score_folder_dask.py photos scores  # on the cores of this machine
    python examples/score_folder_dask.py photos scores tcp://scheduler:8786

The images are divided into parts of 500, in the order of their paths. Each worker loads the model
once, predicts one part at a time, and writes it to `scores/part-00000.csv` and so on, which is
complete or not there at all. The same command skips the parts that are there. The images and the
folder of the scores must have the same paths on all machines. A file that cannot be read has a row
that says why.
"""

import os
import sys
import time
from functools import cache
from pathlib import Path

import dask
from distributed import Client, as_completed

from sk_fer import load_pretrained, predict_faces

SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
PART = 500


@cache
def model():
    """Load the model, once in each worker."""
    return load_pretrained()


def score(paths, out):
    """Write the faces of some images to a CSV file, and return the number of images."""
    aside = out.with_suffix(f".{os.getpid()}.unfinished")
    predict_faces(model(), paths, on_error="skip").to_csv(aside)
    os.replace(aside, out)
    return len(paths)


def find_images(folder):
    """Return the sorted paths of all images in a folder and in the folders below it."""
    found = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return sorted(path for path in found if os.path.splitext(path)[1].lower() in SUFFIXES)


def check_list(images, out):
    """Keep the list of images beside the scores, and refuse another one."""
    path = out / "images.txt"
    lines = "".join(f"{image}\n" for image in images)
    if not path.exists():
        path.write_text(lines)
    elif path.read_text() != lines:
        sys.exit(f"{out} contains scores of other images; choose another folder")


def main():
    folder, out, *scheduler = sys.argv[1:]
    out = Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    images = find_images(os.path.abspath(folder))
    check_list(images, out)
    parts = {
        out / f"part-{i:05}.csv": images[first : first + PART]
        for i, first in enumerate(range(0, len(images), PART))
    }
    left = {path: some for path, some in parts.items() if not path.exists()}
    print(f"{len(images)} images in {len(parts)} parts, {len(parts) - len(left)} of them finished")
    here = {"threads_per_worker": 1, "dashboard_address": None}
    cluster = {"address": scheduler[0]} if scheduler else here
    with Client(**cluster) as client:
        tasks = [dask.delayed(score)(some, path) for path, some in left.items()]
        begin, done = time.perf_counter(), 0
        for _, n_images in as_completed(client.compute(tasks), with_results=True):
            done += n_images
            speed = done / (time.perf_counter() - begin)
            print(f"{done} images, {speed:.0f} images/s", flush=True)


if __name__ == "__main__":
    main()
