"""The time of a report on the model of sk_fer with PublicTest of FER2013, and what it finds.

    SK_FER_DATA=folder python benchmarks/report.py [--page report.html] [--quick]

The time is that of `write_report`, without reading the data. The script writes
results/report.json: the scores with their intervals, the copies of training images, the accuracy
without them, and the seconds on one thread.
"""

import tempfile
import time
from pathlib import Path

import torch
from _harness import command_line, data_folder, write_result

from sk_fer import FERCNNClassifier, load_pretrained
from sk_fer.datasets import load_fer2013, make_faces
from sk_fer.inspection import write_report


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--page", type=Path, help="where to keep the page (default: nowhere)")
    args = parser.parse_args()
    if args.quick:
        train, test = (
            make_faces(n, image_size=24, return_X_y=False, random_state=n) for n in (140, 70)
        )
        model = FERCNNClassifier(max_epochs=1, random_state=0).fit(train.images, train.target)
    else:
        path = data_folder() / "fer2013.csv"
        train, test = (load_fer2013(path, subset=name) for name in ("train", "validation"))
        model = load_pretrained()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        page = args.page or Path(folder, "report.html")
        wall, cpu = time.perf_counter(), time.process_time()
        results = write_report(model, test, page, train=train, data_name="FER2013, PublicTest")
        seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - cpu}
        size = page.stat().st_size
    torch.set_num_threads(threads)
    print(
        f"{results.n_images:,} images: {seconds['processor']:.1f} s of processor time on one "
        f"thread, {seconds['wall']:.1f} s in all; the page has {size / 1e6:.2f} MB"
    )
    print(results.scores.round(4))
    print(*results.notes, sep="\n")
    for part, reason in results.failed.items():
        print(f"failed: {part}, {reason}")
    result = {
        "images": results.n_images,
        "training_images": len(train.target),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "page_bytes": size,
        "scores": results.scores.round(4).to_dict("index"),
        "notes": results.notes,
        "failed": results.failed,
    }
    write_result("report", result, args)


if __name__ == "__main__":
    main()
