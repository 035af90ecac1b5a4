"""Train the model that is part of the package, and write its file, its figures and its page.

    SK_FER_DATA=folder python benchmarks/train_pretrained.py [name=value ...] [--seed 0]
                                                             [--device auto] [--quick]
    python benchmarks/train_pretrained.py --page

The network learns from the Training split of FER2013 with its hard labels, without a part that is
set aside. `name=value` are parameters of FERCNNClassifier in place of those of RECIPE, as Python
writes them. The probabilities are calibrated by a temperature: one number that is fitted to the
part that was set aside, and by which the last layer is divided. That part contains no copy of a
training image. PublicTest is only scored, once.

Writes sk_fer/pretrained/fer2013.skfer, benchmarks/results/pretrained.json and
docs/pretrained_fer2013.md, or all three into the folder of `--out`. `--page` only writes the page
again, from the JSON file. `--quick` learns drawn faces, and only writes with `--out`.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from _harness import (
    RESULTS,
    command_line,
    describe,
    fer2013,
    machine,
    parameter,
    versions,
    write_json,
    write_text,
)
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold
from torch import nn

from sk_fer import FERCNNClassifier, load_model, save_model
from sk_fer.datasets import make_faces
from sk_fer.inspection import class_report
from sk_fer.metrics import expected_calibration_error
from sk_fer.model_selection import find_duplicates

ROOT = Path(__file__).parents[1]
NAME = "fer2013"
PAGE = Path(__file__).with_name("pretrained_page.md")  # with fields for the figures
RECIPE: dict[str, Any] = {}
MOST_BYTES = 3_000_000

Data = tuple[NDArray, NDArray]


def load(quick: bool) -> tuple[Data, Data]:
    """Return Training and PublicTest with their labels."""
    if quick:
        X, y = make_faces(616, random_state=0)
        return (X[:560], y[:560]), (X[560:], y[560:])
    return fer2013("train"), fer2013("validation")


def set_aside(X: NDArray, y: NDArray, seed: int, n_parts: int = 20) -> tuple[NDArray, NDArray]:
    """Return the rows to learn from and those set aside, with all copies of an image in one."""
    groups = find_duplicates(X).group_ids
    folds = StratifiedGroupKFold(n_parts, shuffle=True, random_state=seed)
    return next(folds.split(X, y, groups))


def train(data: Data, parameters: dict[str, Any]) -> tuple[Any, float]:
    """Return a fitted classifier and the seconds of its fit."""
    model = FERCNNClassifier(**{**RECIPE, **parameters})
    start = time.perf_counter()
    model.fit(*data)
    return model, time.perf_counter() - start


def as_shipped(model: Any, path: Path) -> Any:
    """Return the model as its file has it: with rounded weights, and for any machine."""
    model.set_params(device="auto", precision="auto", verbose=0)
    model.net_.module_.to("cpu")
    model.net_.device, model.net_.precision = "cpu", torch.float32
    save_model(model, path, dtype="float16")
    return load_model(path)


def temperature(model: Any, data: Data) -> float:
    """Return the number that the logits are divided by for the least log loss."""
    frozen = FrozenEstimator(model)
    # The folds do not matter: a frozen classifier predicts the same in all of them.
    calibrated = CalibratedClassifierCV(frozen, method="temperature", cv=2).fit(*data)
    return 1 / float(calibrated.calibrated_classifiers_[0].calibrators[0].beta_)


def divide_logits(model: Any, by: float) -> None:
    """Divide the last layer of a classifier, so that its model file has the temperature."""
    last = [layer for layer in model.net_.module_.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.div_(by)
        last.bias.div_(by)


def scores(model: Any, data: Data) -> dict[str, float]:
    """Return the scores of predictions from one pass, or with mirror images if `tta` is set."""
    X, y = data
    probabilities = model.predict_proba(X)
    correct = model.classes_[probabilities.argmax(axis=1)] == y
    return {
        "accuracy": round(float(correct.mean()), 4),
        "log_loss": round(float(log_loss(y, probabilities, labels=model.classes_)), 4),
        "calibration_error": round(
            expected_calibration_error(y, probabilities, classes=model.classes_), 4
        ),
    }


def both_ways(model: Any, data: Data) -> dict[str, dict[str, float]]:
    """Return the scores of one pass, and with mirror images."""
    tta = model.tta
    found = {
        name: scores(model.set_params(tta=mirrored), data)
        for name, mirrored in (("one_pass", False), ("with_mirror_images", True))
    }
    model.set_params(tta=tta)
    return found


def without_copies(data: Data, train_images: NDArray) -> Data:
    """Return the images that are not in Training, too."""
    known = {row.tobytes() for row in train_images}
    rows = [i for i, row in enumerate(data[0]) if row.tobytes() not in known]
    return data[0][rows], data[1][rows]


def measure(args: argparse.Namespace, path: Path) -> dict[str, Any]:
    """Train, calibrate and score the model, write its file, and return what there is to tell."""
    training, public = load(args.quick)
    rows, aside = set_aside(*training, args.seed)
    held_out = training[0][aside], training[1][aside]
    model, seconds = train((training[0][rows], training[1][rows]), args.parameters)
    precision = str(model.net_.precision).removeprefix("torch.")
    device = str(model.net_.device)
    model = as_shipped(model, path)
    before = {"held_out": scores(model, held_out), "public_test": scores(model, public)}
    divided_by = temperature(model, held_out)
    divide_logits(model, divided_by)
    model = as_shipped(model, path)
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path} has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,}")
    after = {"held_out": scores(model, held_out), "public_test": scores(model, public)}
    report = class_report(public[1], model.predict(public[0]), classes=model.classes_)
    drawn = make_faces(14, random_state=0)[0]
    last = model.history_.iloc[-1]
    return {
        "seed": args.seed,
        "machine": machine(),
        "versions": versions(),
        "quick": args.quick,
        "parameters": {**RECIPE, **args.parameters},
        "architecture": model.architecture,
        "max_epochs": model.max_epochs,
        "fit_seconds": round(seconds, 1),
        "device": device,
        "precision": precision,
        "bytes": path.stat().st_size,
        "weights": sum(p.numel() for p in model.net_.module_.parameters()),
        "train_images": len(rows),
        "held_out_images": len(aside),
        "test_images": len(public[1]),
        "train_accuracy": round(float(last["train_accuracy"]), 4),
        "temperature": round(divided_by, 4),
        "before": before,
        "after": after,
        "public_test": both_ways(model, public),
        "public_test_without_copies": both_ways(model, without_copies(public, training[0])),
        "copies": len(public[1]) - len(without_copies(public, training[0])[1]),
        "classes": json.loads(report.table.round(4).to_json(orient="index")),
        "drawn_faces": model.predict_proba(drawn).round(5).tolist(),
    }


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("parameters", nargs="*", type=parameter, metavar="name=value")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the fit")
    parser.add_argument("--device", default="auto", help="as the estimators take it")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    args = parser.parse_args()
    own = {"device": args.device, "random_state": args.seed}
    args.parameters = {**dict(args.parameters), **own}
    if args.quick:
        args.parameters.setdefault("max_epochs", 1)
    with tempfile.TemporaryDirectory() as folder:
        out = args.out or (Path(folder) if args.quick else None)
        model_file = (out or ROOT / "sk_fer" / "pretrained") / f"{NAME}.skfer"
        result_file = (out or RESULTS) / "pretrained.json"
        model_file.parent.mkdir(parents=True, exist_ok=True)
        page_file = (out or ROOT / "docs") / "pretrained_fer2013.md"
        if not args.page:
            result = measure(args, model_file)
            write_json(result_file, result)
            tell(result)
        write_text(page_file, page(json.loads(result_file.read_text("utf-8"))))
        print(f"written to {page_file}")


def page(result: dict[str, Any]) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    result : dict
        What train_pretrained.py wrote as JSON.
    """
    plain, copies = result["public_test"], result["public_test_without_copies"]
    before, after = (result[when]["public_test"] for when in ("before", "after"))
    aside_before, aside_after = (result[when]["held_out"] for when in ("before", "after"))
    parameters = ", ".join(
        f"`{name}={value!r}`"
        for name, value in result["parameters"].items()
        if name not in ("device", "verbose")
    )
    rows = [
        f"| {name} | {row['precision']:.1%} | {row['recall']:.1%} | {row['f1-score']:.1%} | "
        f"{row['support']:,} |"
        for name, row in result["classes"].items()
    ]
    return PAGE.read_text("utf-8").format(
        **{
            **result,
            "machine": describe(result["machine"]),
            "parameters": parameters,
            "classes": ", ".join(result["classes"]),
        },
        megabytes=result["bytes"] / 1e6,
        all_images=result["train_images"] + result["held_out_images"],
        one=plain["one_pass"]["accuracy"],
        mirrored=plain["with_mirror_images"]["accuracy"],
        one_without=copies["one_pass"]["accuracy"],
        mirrored_without=copies["with_mirror_images"]["accuracy"],
        table="\n".join(rows),
        error_before=before["calibration_error"],
        error_after=after["calibration_error"],
        loss_before=before["log_loss"],
        loss_after=after["log_loss"],
        held_out_error_before=aside_before["calibration_error"],
        held_out_error_after=aside_after["calibration_error"],
        held_out_loss_before=aside_before["log_loss"],
        held_out_loss_after=aside_after["log_loss"],
    )


def tell(result: dict[str, Any]) -> None:
    """Print the figures that matter."""
    one, mirrored = result["public_test"].values()
    before, after = (result[when]["public_test"] for when in ("before", "after"))
    print(
        f"{describe(result['machine'])}, {result['device']}, {result['precision']}: "
        f"{result['fit_seconds']:.0f} s of fit, {result['bytes']:,} bytes\n"
        f"PublicTest {one['accuracy']:.2%}, with mirror images {mirrored['accuracy']:.2%}\n"
        f"temperature {result['temperature']:.3f}: calibration error on PublicTest "
        f"{before['calibration_error']:.2%} before, {after['calibration_error']:.2%} after; log "
        f"loss {before['log_loss']:.4f} and {after['log_loss']:.4f}"
    )


if __name__ == "__main__":
    main()
