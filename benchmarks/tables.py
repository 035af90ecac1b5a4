"""Write the tables of README.md, docs/benchmarks.md and docs/training_recipe.md.

    python benchmarks/tables.py [--check]

The tables of measurements come from benchmarks/results/*.json, and the README's table of networks
comes from `sk_fer.estimators.NETWORKS`. The tables are between marker comments. With `--check`, the
script writes nothing and exits with 1 if one of the files is out of date.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import recipe
import torch
from _harness import RESULTS, describe

from sk_fer.estimators import NETWORKS
from sk_fer.modules import build_module

ROOT = Path(__file__).parents[1]


class Row(NamedTuple):
    """A line of the table of targets.

    `measured` turns the content of `file` into words and what has the machine, None where it is
    not in there; `missing` says why it may not be.
    """

    work: str
    reference: str
    target: str
    file: str
    measured: Callable[[dict[str, Any]], tuple[str, dict[str, Any]] | None]
    missing: str = "not run yet"


def accuracy(
    budget: float, device: str, precision: str | None = None, preset: str | None = None
) -> Callable:
    """Best mean with mirror images on PublicTest of the fits within a budget, on a device."""

    def measured(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        rows = [
            row
            for row in on_public_test(content, device)
            if (row["budget"] or row["fit_seconds"]["max"]) <= budget
            and precision in (None, row["precision"])
            and preset in (None, row["preset"])
        ]
        if not rows:
            return None
        row = max(rows, key=lambda row: row["accuracy_tta"]["mean"])
        seconds, score = row["fit_seconds"]["mean"], row["accuracy_tta"]
        shown = f"{over_seeds(score, len(row['seeds']))}, {seconds:,.0f} s"
        older = "" if row["preset"] in NETWORKS else ", with an older default"
        return f"{shown}, {row['precision']}{older}", row

    return measured


def over_seeds(score: dict[str, float], n_seeds: int) -> str:
    """Return the mean of an accuracy over seeds, with its least and most."""
    spread = f" ({score['min']:.1%} to {score['max']:.1%}, {n_seeds} seeds)"
    return f"{score['mean']:.1%}{spread if n_seeds > 1 else ', one seed'}"


def together(budget: float, preset: str) -> Callable:
    """Accuracy on PublicTest of as many networks as fit within a budget, by their mean."""

    def measured(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        for row in on_public_test(content, "cpu"):
            seconds = accumulate(seed["fit_seconds"] for seed in row["seeds"].values())
            ends = [end for end in seconds if end <= budget]
            if row["preset"] == preset and "together" in row and len(ends) > 1:
                score = row["together"][str(len(ends))]
                shown = f"{score:.1%}, {len(ends)} networks, {ends[-1]:,.0f} s"
                return f"{shown}, {row['precision']}", row
        return None

    return measured


def on_public_test(content: dict[str, Any], device: str) -> list[dict[str, Any]]:
    """Return the rows of accuracy.json that were scored on PublicTest."""
    return [
        row
        for row in content["rows"].values()
        if row["device"] == device and row.get("held_out") is None
    ]


def together_table() -> list[str]:
    """Return the lines of the table of the mean of several networks."""
    lines = ["| networks | each alone | together | seconds of `fit` |", "|---|---|---|---|"]
    for row in on_public_test(read("accuracy") or {"rows": {}}, "cpu"):
        seeds = list(row["seeds"].values())
        if row["quick"] or "together" not in row or len(seeds) < 2:
            continue
        for n in range(1, len(seeds) + 1):
            alone = statistics.mean(seed["accuracy_tta"] for seed in seeds[:n])
            seconds = sum(seed["fit_seconds"] for seed in seeds[:n])
            name = f'{n} of `"{row["preset"]}"`, {row["parameters"]["max_epochs"]} epochs'
            scores = f"{alone:.1%} | {row['together'][str(n)]:.1%}".replace("%", " %")
            lines.append(f"| {name} | {scores} | {seconds:,.0f} |")
    return lines


def gpu_accuracy(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Accuracy of "accurate" on a GPU."""
    part = content["parts"].get("accurate", {})
    if "summary" not in part:
        return None
    row = part["summary"]["accurate"]
    shown = over_seeds(row["accuracy_tta"], len(row["seeds"]))
    return f"{shown}, {row['seconds']['mean']:,.0f} s, {row['time']}", content


def gpu_throughput(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Ratio to the compiled loop of training "fast" on a GPU, and images a second."""
    row = content["parts"].get("throughput", {}).get("rows", {}).get("throughput, fast", {})
    ratio = row.get("ratios", {}).get("training, against by hand, compiled")
    if ratio is None:
        return None
    return f"{ratio:.2f}x, {row['sk_fer, training']:,.0f} images/s", content


def time_to(target: float) -> Callable:
    """Ratios of the processor time until an accuracy is reached, against the peers."""

    def measured(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        row = content["targets"].get(f"{target:.0%}")
        if not row or not row["ratios"]:
            return None
        return " / ".join(map(in_words, row["ratios"].values())), content

    return measured


def in_words(ratio: dict[str, Any]) -> str:
    """Return a ratio, which is a lower bound if the peer did not reach the accuracy."""
    return f"{'' if ratio['reached'] else 'more than '}{ratio['times']:.1f}x"


def times(*others: str, key: str = "ratios", digits: int = 1) -> Callable:
    """Ratio of speeds, with its least and most over the rounds."""

    def measured(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        shown = []
        for other in others:
            if other not in content[key]:
                reason = content["skipped"].get(other, "not run")
                shown.append(f"not measured: {reason}")
                continue
            ratio = content[key][other]
            low, most = f"{ratio['min']:.{digits}f}", f"{ratio['max']:.{digits}f}"
            shown.append(f"{ratio['median']:.{digits}f}x ({low} to {most})")
        found = any(other in content[key] for other in others)
        precision = f", {content['precision']}" if found and "precision" in content else ""
        return " / ".join(dict.fromkeys(shown)) + precision, content

    return measured


def straightness(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return how far off the line the seconds are."""
    return f"within {content['largest_deviation']:.1%}", content


def fer2013_memory(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the peak above the images."""
    fit = content["fits"]["sk_fer, fast"]
    return f"array once, plus {fit['above_images_mb'] / 1000:.2f} GB", content


def mapped_memory(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the peak with a memory map."""
    peak, gigabytes = content["peak_mb"] / 1000, content["gigabytes"]
    return f"{peak:.2f} GB at most, an epoch of {gigabytes:g} GB", content


def loading(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the ratio of a first load and of a cached one."""
    other = "read_csv and split() a row"
    first, cached = content["ratios"][other], content["ratios_cached"][other]
    return f"{first['median']:.1f}x, and {cached['median']:.0f}x from the cache", content


def moonshot(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the accuracy of the fine-tuned network, and the seconds of all of it."""
    folds = content.get("folds", {})
    if "moonshot" not in folds:
        return None
    accuracy, seconds = folds["moonshot"]["measured"]
    return f"{accuracy:.1%}, {seconds:.0f} s", folds


def stored_features(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return how many times as fast a head learns from stored features."""
    stored = content.get("stored")
    if stored is None:
        return None
    ratios = {size: row["ratio"] for size, row in stored["rows"].items()}
    shown = [
        f"{ratio['median']:.1f}x ({ratio['min']:.1f} to {ratio['max']:.1f}) at {size}"
        for size, ratio in ratios.items()
    ]
    return ", ".join(shown), stored


def backbone_passes(content: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return how often each way to search ran the backbone over the data."""
    search = content.get("search")
    if search is None:
        return None
    shown = [
        f"{row['backbone_images'] / search['images']:.3g} times {name} ({row['seconds']:.3g} s)"
        for name, row in search["rows"].items()
    ]
    return ", ".join(shown), search


BF16, NO_GPU = "CPU with bf16", "no GPU at hand"
ROWS = (
    *(
        Row(
            f"processor time until {target:.0%} of PublicTest are correct",
            "skorch / Keras with their users' usual recipe",
            goal,
            "time_to_accuracy",
            time_to(target),
        )
        for target, goal in ((0.63, "10x"), (0.66, "8x"))
    ),
    Row(
        f"300 s of `fit`, two cores of a {BF16}, PublicTest",
        "63.9 % by a plain recipe; 66 % published for mini-Xception",
        "67 %",
        "accuracy",
        accuracy(300, "cpu", "bfloat16"),
    ),
    Row(
        "30 minutes of `fit`, the same",
        "69.8 % by a plain recipe; 70.9 % by a VGG's 100 epochs on a GPU",
        "72 %",
        "accuracy",
        accuracy(1800, "cpu", "bfloat16"),
    ),
    Row("300 s, a CPU without bf16", "", "65 %", "accuracy", accuracy(300, "cpu", "float32")),
    Row("30 minutes, the same", "", "70 %", "accuracy", accuracy(1800, "cpu", "float32")),
    Row(
        '`"accurate"`, two hours or less on two cores',
        "",
        "73 %",
        "accuracy",
        accuracy(7200, "cpu", preset="accurate"),
    ),
    Row(
        '30 minutes of `fit`, the mean of several `"accurate"`',
        "",
        "72 %",
        "accuracy",
        together(1800, "accurate"),
    ),
    Row("two hours or less, the same", "", "73 %", "accuracy", together(7200, "accurate")),
    Row(
        "one H100, one network, 48 px, no extra data, a minute of `fit`",
        "70.9 % in 100 epochs; 73.1 % in 300 epochs with ten crops",
        "74 %",
        "gpu",
        gpu_accuracy,
        NO_GPU,
    ),
    Row(
        f"training, VGG-style, {BF16}",
        "plain skorch, float32",
        "4.5x",
        "throughput_vgg_bf16",
        times("skorch, float32"),
    ),
    Row(
        "the same",
        "Keras 3 on TensorFlow, float32 / mixed_bfloat16",
        "4.5x / 2.2x",
        "throughput_vgg_bf16",
        times("Keras, float32", "Keras, mixed"),
    ),
    Row(
        "the same",
        "a torch loop tuned by hand",
        "1.2x",
        "throughput_vgg_bf16",
        times("torch by hand", digits=2),
    ),
    Row(
        'training, `"fast"`, one H100',
        "a torch loop tuned by hand, compiled",
        "1.0x, 50,000 images/s",
        "gpu",
        gpu_throughput,
        NO_GPU,
    ),
    Row(
        "dense layers (512, 256), an epoch",
        "`MLPClassifier`, float64 / float32",
        "5x",
        "throughput_dense",
        times("MLPClassifier, float64", "MLPClassifier, float32"),
    ),
    Row(
        f"`predict_proba`, VGG-style, {BF16}",
        "plain skorch, float32",
        "6x",
        "predict_vgg_bf16",
        times("skorch, float32"),
    ),
    Row(
        "`fit` on 1, 2, 4, 8 times the images",
        "a straight line",
        "within 5 %",
        "throughput_scaling",
        straightness,
    ),
    Row(
        "peak memory of `fit` on FER2013, CPU",
        "a float64 copy",
        "array once, plus 1 GB",
        "memory_fer2013",
        fer2013_memory,
    ),
    Row(
        "peak memory of `fit` on a memory map of 20 GB",
        "20 GB",
        "2 GB",
        "memory_mapped",
        mapped_memory,
    ),
    Row(
        "`load_fer2013` of the CSV file",
        "`read_csv`, and `split()` a row",
        "2.5x, 30x from the cache",
        "loading",
        loading,
    ),
    Row(
        "pretrained on FER2013, fine-tuned to CK+48, folds by subject, all of it",
        "",
        "90 % within 300 s",
        "transfer",
        moonshot,
    ),
    Row(
        "a head over ResNet50, 20 epochs",
        "the backbone in each epoch",
        "10x",
        "transfer",
        stored_features,
    ),
    Row(
        "12 candidates by 5 folds over a frozen backbone",
        "",
        "once over the data",
        "transfer",
        backbone_passes,
    ),
)
SPEEDS = {
    "train, vgg": "throughput_vgg",
    "train, fast": "throughput_fast",
    "predict, vgg": "predict_vgg",
    "predict, fast": "predict_fast",
}


def read(name: str) -> dict[str, Any] | None:
    """Return a result, if there is one."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def target_table() -> list[str]:
    """Return the lines of the table of targets."""
    lines = ["| work | reference | target | measured | machine |", "|---|---|---|---|---|"]
    for row in ROWS:
        content = read(row.file)
        found = row.measured(content) if content else None
        measured = found[0] if found else f"not measured: {row.missing}"
        machine = describe(found[1]["machine"]) if found else ""
        line = f"| {row.work} | {row.reference} | {row.target} | {measured} | {machine} |"
        lines.append(line.replace(" %", "%").replace("%", " %"))
    return lines


def speed_table(ending: str) -> list[str]:
    """Return the lines of the table of images a second on a kind of processor."""
    contents = {title: read(f"{name}{ending}") for title, name in SPEEDS.items()}
    measured = [content for content in contents.values() if content]
    if not measured:
        return []
    names = dict.fromkeys(
        name
        for content in measured
        for name, row in content["contestants"].items()
        if "per_second" in row
    )
    machine = describe(measured[0]["machine"])
    lines = [f"| images/s, {machine} | {' | '.join(contents)} |", "|---|" + "---|" * len(contents)]
    for name in names:
        cells = []
        for content in contents.values():
            row = content["contestants"].get(name) if content else None
            cells.append(f"{row['per_second']:,.0f}" if row else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return ["", *lines]


# The sections of transfer.json, and what the names of their rows begin with.
TRANSFER = {
    "folds": "",
    "shipped": '"fast", {weights}, 5 folds by subject: ',
    "curve": '"fast", {weights}, ',
    "few": "",
    "lite0": "{train_images} + {test_images} images by subject, fine-tuned: ",
}


def transfer_table() -> list[str]:
    """Return the lines of the table of accuracies on CK+48, empty before any was measured."""
    content = read("transfer") or {}
    sections = {name: content[name] for name in TRANSFER if name in content}
    if not sections:
        return []
    lines = ["| transfer to CK+48 | accuracy, and its standard deviation | seconds of a fit |"]
    lines.append("|---|---|---|")
    for key, section in sections.items():
        rows = section["rows"]
        if key == "curve":  # by method, then by the number of images a class
            rows = dict(sorted(rows.items(), key=lambda row: by_method(row[0])))
        for name, row in rows.items():
            begin = f"{section['backbone']}, " if "backbone" in section else TRANSFER[key]
            if name.endswith("from scratch"):
                begin = begin.replace("{weights}", "random weights")
            backbone = begin.format(**section)
            accuracy, fits = row["accuracy"], row["fit_seconds"]
            spread = f" ± {accuracy['std']:.1%}" if len(fits) > 1 else ""
            shown = f"{accuracy['mean']:.1%}{spread}".replace("%", " %")
            # Written in by hand where it was so: other work on the same cores.
            timed = not row.get("beside_other_work")
            seconds = f"{sum(fits) / len(fits):.1f}" if timed else "not timed alone"
            lines.append(f"| {backbone}{name} | {shown} | {seconds} |")
    return ["", *lines]


def by_method(name: str) -> tuple[str, int]:
    """Return what sorts the rows of the curve: the method, and the images a class."""
    images, method = name.split(", ", 1)
    return method, int(images.split()[0])


# Name of the row, the program that ours is compared with, and where its ratio is.
RATIOS = (
    ("training a VGG-style network", "skorch", "throughput_vgg", "skorch, float32"),
    ("training a VGG-style network", "Keras 3 on TensorFlow", "throughput_vgg", "Keras, float32"),
    (
        "training dense layers",
        "`MLPClassifier` of scikit-learn",
        "throughput_dense",
        "MLPClassifier, float64",
    ),
    ("`predict_proba` of a VGG-style network", "skorch", "predict_vgg", "skorch, float32"),
    (
        "`load_fer2013`",
        "`pandas.read_csv` and `split()` for each row",
        "loading",
        "read_csv and split() a row",
    ),
)
# Name of the row, the number of images, and where the images per second are.
TIMES = (
    ("`load_fer2013` of the CSV file", None, "loading", "load_fer2013, first time"),
    ("the same for the second time", None, "loading", "load_fer2013, from the cache"),
    ("an epoch of `FERDenseClassifier((512, 256))`, Adam", 28_709, "throughput_dense", "sk_fer"),
    ('an epoch of `"fast"`, SGD, no augmentation', 28_709, "throughput_fast", "sk_fer"),
    ('an epoch of `"vgg"`, SGD, no augmentation', 28_709, "throughput_vgg", "sk_fer"),
    ('`predict` of `"fast"`', 3_589, "predict_fast", "sk_fer"),
    ('`predict` of `"vgg"`', 3_589, "predict_vgg", "sk_fer"),
)


def ratio_table() -> list[str]:
    """Return the lines of the table of the ratios that the README shows."""
    lines = ["| task | compared with | times as fast | machine |", "|---|---|---|---|"]
    if content := read("time_to_accuracy"):
        machine = describe(content["machine"])
        for target, row in content["targets"].items():
            for peer, ratio in row["ratios"].items():
                times = f"{ratio['times']:.1f}"
                if not ratio["reached"]:
                    times = f"more than {times} ({not_reached(content['rows'][peer])})"
                goal = target.replace("%", " %")
                task = f"time of the processor until {goal} of PublicTest are correct"
                lines.append(f"| {task} | {peer}, Adam, the same layers | {times} | {machine} |")
    for task, other, file, key in RATIOS:
        for content in filter(None, map(read, (f"{file}_bf16", file))):
            if key in content["ratios"]:
                ratio, machine = content["ratios"][key]["median"], describe(content["machine"])
                lines.append(f"| {task} | {other} | {ratio:.1f} | {machine} |")
    return lines


def not_reached(rows: list[dict[str, Any]]) -> str:
    """Return how far a peer came that did not reach an accuracy."""
    best = f"{max(row['accuracy'] for row in rows):.1%}".replace("%", " %")
    return f"not reached in {rows[-1]['seconds']:,.0f} s, at best {best}"


def time_table() -> list[str]:
    """Return the lines of the table of seconds, computed from the measured images per second."""
    lines = ["| task, on FER2013 | images | seconds | machine |", "|---|---|---|---|"]
    for task, n_images, file, key in TIMES:
        content = read(file)
        if content and key in content["contestants"]:
            n_images = n_images or content["rows"]
            seconds = n_images / content["contestants"][key]["per_second"]
            machine = describe(content["machine"])
            lines.append(f"| {task} | {n_images:,} | {shown(seconds)} | {machine} |")
    if shipped := read("pretrained"):
        correct = shipped["public_test"]["with_mirror_images"]["accuracy"]
        score = f"{100 * correct:.1f} % of PublicTest correct with `tta`"
        task = f"`fit` with the default parameters; {score}"
        seconds, machine = shown(shipped["fit_seconds"]), describe(shipped["machine"])
        lines.append(f"| {task} | {shipped['train_images']:,} | {seconds} | {machine} |")
    if found := accuracy(300, "cpu", "bfloat16")(read("accuracy") or {"rows": {}}):
        row = found[1]
        score = f"{row['accuracy_tta']['mean']:.1%} of PublicTest correct with `tta`"
        epochs = f"`max_epochs={row['parameters']['max_epochs']}` on two threads"
        task = f"`fit` with {epochs}; {score}, mean of {len(row['seeds'])} seeds"
        seconds, machine = shown(row["fit_seconds"]["mean"]), describe(row["machine"])
        lines.append(
            f"| {task} | {row['train_images']:,} | {seconds} | {machine} |".replace("%", " %")
        )
    if content := read("time_to_accuracy"):
        n_seeds = len(content["seeds"])
        for row in content["rows"]["sk_fer"]:
            score = f"{row['accuracy']:.1%} of PublicTest correct, mean of {n_seeds} seeds"
            task = f"`fit` with `max_epochs={row['epochs']}` on one thread; {score}"
            seconds, machine = shown(row["seconds"]), describe(content["machine"])
            lines.append(f"| {task} | 28,709 | {seconds} | {machine} |".replace("%", " %"))
    return lines


def network_table() -> list[str]:
    """Return the lines of the table of networks, in the order of NETWORKS."""
    lines = [
        "| name | network | parameters | use it for | estimator |",
        "|---|---|---|---|---|",
    ]
    for name, row in NETWORKS.items():
        # The classes of one backbone set it themselves.
        parameters = [f'{k}="{v}"' for k, v in row.options.items() if k != "backbone"]
        if row.estimator == "FERCNNClassifier":
            parameters = [f'"{name}"']
        elif row.estimator == "FERPretrainedClassifier":
            parameters = ["..."]
        call = f"`{row.estimator}({', '.join(parameters)})`"
        count = "" if name == "pretrained" else f"{count_parameters(name):,}"
        lines.append(f"| `{name}` | {row.description} | {count} | {row.use} | {call} |")
    return lines


def count_parameters(name: str) -> int:
    """Count the parameters of a network for gray images of 48x48 pixels and seven classes."""
    with torch.device("meta"):  # without memory for the weights
        module = build_module(name, image_shape=(48, 48, 1), n_classes=7)
    return sum(parameter.numel() for parameter in module.parameters())


def shown(seconds: float) -> str:
    """Return seconds with two digits."""
    return f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2g}"


def write(path: Path, name: str, tables: list[str], *, check: bool) -> None:
    """Write the tables between the marks of a file, or exit if they are out of date."""
    text = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        sys.exit(f"{path.name}: no {begin} ... {end}")
    expected = "\n".join([f"{before}{begin}", "", *tables, "", f"{end}{after}"])
    if not check:
        path.write_text(expected)
    elif expected != text:
        sys.exit(f"{path.name} is out of date: run python benchmarks/tables.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if out of date")
    check = parser.parse_args().check
    write(ROOT / "README.md", "networks", network_table(), check=check)
    write(ROOT / "README.md", "benchmarks", [*ratio_table(), "", *time_table()], check=check)
    tables = [*target_table(), *speed_table("_bf16"), *speed_table(""), *transfer_table()]
    write(ROOT / "docs/benchmarks.md", "benchmarks", tables, check=check)
    write(ROOT / "docs/training_recipe.md", "together", together_table(), check=check)
    write(ROOT / "docs/training_recipe.md", "recipe", recipe.tables(), check=check)


if __name__ == "__main__":
    main()
