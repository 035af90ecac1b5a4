"""How often labels of FER2013 that `find_label_issues` suspects are wrong by the votes of FER+.

    SK_FER_DATA=folder python benchmarks/label_noise.py [--fraction 0.5] [--epochs 8] [--quick]

A fraction of the Training images of FER2013 is predicted in five folds, which keep exact and near
copies together, by the default network with a few epochs. A label is wrong if it differs from the
majority of the ten votes. Images without a majority of the votes are part of the folds but are not
counted. The precision is the share of wrong labels among the n most suspicious ones. The script
writes results/label_noise.json.
"""

import argparse
import time
from typing import Any

import numpy as np
from _harness import command_line, data_folder, write_result
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from sk_fer import FERCNNClassifier
from sk_fer.datasets import load_fer2013, load_ferplus, make_faces
from sk_fer.model_selection import find_duplicates, find_label_issues, stratified_subset

N_WORST = (100, 200, 500, 1000, 2000)


def read(args: argparse.Namespace) -> tuple[NDArray, NDArray, NDArray]:
    """Return images, labels, and the class with the majority of the votes, or "" without one."""
    if args.quick:
        drawn = make_faces(140, image_size=24, return_X_y=False, random_state=0)
        labels = np.concatenate([np.roll(drawn.target[:28], 1), drawn.target[28:]])
        return drawn.images, labels, drawn.target
    faces = load_fer2013(data_folder() / "fer2013.csv", subset="train")
    voted = load_ferplus(data_folder() / "fer2013.csv", data_folder() / "fer2013new.csv")
    majority = np.full(len(faces.target), "", dtype="U20")
    majority[np.setdiff1d(np.arange(len(majority)), voted.dropped - 1)] = voted.target
    return faces.images, faces.target, majority


def precision(wrong: NDArray, suspicion: NDArray) -> dict[str, Any]:
    """Return how well a column of suspicion finds the wrong labels."""
    order = np.argsort(-suspicion, kind="stable")
    return {
        "precision_at": {n: float(wrong[order[:n]].mean()) for n in N_WORST if n <= len(wrong)},
        "average_precision": float(average_precision_score(wrong, suspicion)),
        "roc_auc": float(roc_auc_score(wrong, suspicion)),
    }


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--fraction", type=float, default=0.5, help="of the images (%(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help="of each fit (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of images, folds and networks")
    args = parser.parse_args()
    images, labels, majority = read(args)
    rows = stratified_subset(labels, 1 if args.quick else args.fraction, random_state=args.seed)
    images, labels, majority = images[rows], labels[rows], majority[rows]

    settings = {"max_epochs": 1 if args.quick else args.epochs, "tta": True}
    model = FERCNNClassifier(**settings, random_state=args.seed)
    groups = find_duplicates(images, near=0.98).group_ids
    wall, cpu = time.perf_counter(), time.process_time()
    issues = find_label_issues(model, images, labels, groups=groups, random_state=args.seed)
    seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - cpu}

    counted = majority != ""
    wrong = (labels != majority)[counted]
    table = issues.table[counted]
    found = table["is_issue"].to_numpy()
    result = {
        "settings": {**settings, "fraction": args.fraction, "seed": args.seed, "cv": 5},
        "images": len(labels),
        "counted": int(counted.sum()),
        "base_rate": float(wrong.mean()),
        "accuracy": float((issues.table["predicted"] == labels).mean()),
        "accuracy_against_votes": float((table["predicted"] == majority[counted]).mean()),
        **precision(wrong, table["suspicion"].to_numpy()),
        "issues": {
            "number": int(found.sum()),
            "precision": float(wrong[found].mean()) if found.any() else None,
            "recall": float(found[wrong].mean()),
        },
        "seconds": seconds,
    }
    print(issues.summary)
    print(f"{result['base_rate']:.1%} of {counted.sum():,} labels differ from the majority")
    for n, share in result["precision_at"].items():
        print(f"  {share:.1%} of the {n:,} most suspicious ones")
    print(f"  {result['issues']}")
    write_result("label_noise", result, args)


if __name__ == "__main__":
    main()
