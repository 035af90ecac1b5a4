"""The speed of reading image files into the file that is used as a memory map.

    python benchmarks/image_cache.py [--images 3000] [--image-side 224] [--quick]

The images are drawn faces, enlarged to colour JPEGs in class folders. They are read twice, in
separate processes: the first time from the JPEGs, and then from the file, whose checksums are
verified. The growth is that of the largest resident memory of the process. Writes
results/image_cache.json.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _harness import command_line, in_own_process, proc_status, write_result
from PIL import Image

from sk_fer.datasets import load_image_folder, make_faces


def draw(folder: Path, n: int, side: int) -> int:
    """Save n images, and return the size of all files in bytes."""
    X, y = make_faces(n, random_state=0)
    rng = np.random.default_rng(0)
    for i, (row, name) in enumerate(zip(X, y, strict=True)):
        gray = Image.fromarray(row.reshape(48, 48)).resize((side, side), Image.Resampling.BICUBIC)
        pixels = np.asarray(gray.convert("RGB"), np.int16) + rng.integers(-8, 9, (side, side, 3))
        path = folder / str(name) / f"{i:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return sum(path.stat().st_size for path in folder.rglob("*.jpg"))


def load(folder: str, data_home: str) -> dict[str, float]:
    before, start = proc_status("VmHWM"), time.perf_counter()
    images = load_image_folder(folder, color=True, cache=True, data_home=data_home).data
    seconds = time.perf_counter() - start
    return {
        "seconds": round(seconds, 2),
        "per_second": round(len(images) / seconds, 1),
        "growth_mb": round(proc_status("VmHWM") - before, 1),
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    n, side = (70, 32) if args.quick else (args.images, args.image_side)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as data_home:
        jpeg_bytes = draw(Path(folder), n, side)
        reads = {}
        for name in ("from the files", "from the memory map"):
            way = (load, folder, data_home)
            reads[name] = way[0](*way[1:]) if args.quick else in_own_process(*way)
            row = reads[name]
            print(
                f"{name:20} {row['seconds']:7.1f} s, {row['per_second']:8,.0f} images/s, "
                f"memory grows by {row['growth_mb']:,.0f} MB"
            )
    return {"images": n, "image_side": side, "jpeg_mb": jpeg_bytes / 1e6, "reads": reads}


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--images", type=int, default=3000, help="number of images (%(default)s)")
    parser.add_argument("--image-side", type=int, default=224, help="in pixels (%(default)s)")
    args = parser.parse_args()
    write_result("image_cache", measure(args), args)


if __name__ == "__main__":
    main()
