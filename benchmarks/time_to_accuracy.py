"""Processor time until a network reaches 63 % and 66 % of PublicTest.

    SK_FER_DATA=folder python benchmarks/time_to_accuracy.py [--targets 0.63 0.66] [--seeds 0 1 2]
                                                             [--peer-epochs 20] [--quick]

All contestants train the network "fast" on Training, in one process each, one after the other.

sk_fer      `FERCNNClassifier(max_epochs=...)` with its default parameters. The learning rate falls
            to zero at the last epoch, so each number of epochs is a fit of its own. The table
            has the mean of the seeds.
skorch      `NeuralNetClassifier` over the same layers of PyTorch, as its users write it: Adam with
            its default rate, batches of 128, mirrored images in the data set, float32.
Keras       the same layers in Keras 3 on TensorFlow, as its users write it: Adam with its default
            rate, batches of 128, mirrored images in a layer, float32.

skorch and Keras are scored after each epoch, and the first epoch that reaches the target counts,
which is in their favour: it is chosen on PublicTest. Scoring is not timed. No contestant uses
mirror images at prediction. The time is that of the processor, over all threads, so that other
programs of the machine matter little. Writes results/time_to_accuracy.json after each
fit. Fits of sk_fer in that file are not repeated. With `--only`, the other peer's rows in it are
kept.
"""

import argparse
import json
import time
from collections.abc import Iterator
from statistics import mean
from typing import Any

import numpy as np
from _harness import RESULTS, command_line, fer2013, in_own_process, machine, versions, write_result
from _peers import BATCH, SIDE, as_floats, keras_model, plain_network

from sk_fer import FERCNNClassifier
from sk_fer.datasets import make_faces

EPOCHS = (4, 10, 20)
PEERS = ("skorch", "Keras")
Row = dict[str, Any]


def load(quick: bool) -> tuple[Any, ...]:
    """Return the images and the codes of the classes, of Training and of PublicTest."""
    if quick:
        X, y = make_faces(84, random_state=0)
        parts = (X[:56], y[:56]), (X[56:], y[56:])
    else:
        parts = fer2013("train"), fer2013("validation")
    (X, y), (X_test, y_test) = parts
    names = np.unique(y)
    images, test = (part.reshape(len(part), SIDE, SIDE) for part in (X, X_test))
    return images, np.searchsorted(names, y), test, np.searchsorted(names, y_test)


def sk_fer_row(epochs: int, seed: int, quick: bool) -> Row:
    """Fit the default classifier."""
    X, y, X_test, y_test = load(quick)
    model = FERCNNClassifier(max_epochs=epochs, random_state=seed, device="cpu")
    start = time.process_time()
    model.fit(X, y)
    seconds = time.process_time() - start
    return {
        "seed": seed,
        "epochs": epochs,
        "seconds": seconds,
        "accuracy": model.score(X_test, y_test),
    }


def peer_rows(name: str, epochs: int, stop_at: float, quick: bool) -> list[Row]:
    """Train a peer until it reaches an accuracy; return a row for each epoch."""
    steps = {"skorch": skorch_epochs, "Keras": keras_epochs}[name]
    rows: list[Row] = []
    for seconds, accuracy in steps(*load(quick)):
        rows.append({"epochs": len(rows) + 1, "seconds": seconds, "accuracy": accuracy})
        print(f"{name}, epoch {len(rows)}: {accuracy:.1%}, {seconds:.0f} s", flush=True)
        if accuracy >= stop_at or len(rows) == epochs:
            break
    return rows


def skorch_epochs(X: Any, y: Any, X_test: Any, y_test: Any) -> Iterator[tuple[float, float]]:
    """Train with skorch; yield seconds so far and accuracy after each epoch."""
    import torch
    from skorch import NeuralNetClassifier

    class Mirrored(torch.utils.data.Dataset):
        def __init__(self, X: Any, y: Any = None) -> None:
            self.X, self.y = torch.from_numpy(as_floats(X)), y

        def __len__(self) -> int:
            return len(self.X)

        def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
            image = self.X[i]
            return (image.flip(-1) if torch.rand(()) < 0.5 else image), int(self.y[i])

    torch.manual_seed(0)
    net = NeuralNetClassifier(
        plain_network("fast"),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        train_split=None,
        max_epochs=1,
        verbose=0,
    ).initialize()
    data, test = Mirrored(X, y), as_floats(X_test)
    seconds = 0.0
    while True:
        start = time.process_time()
        net.partial_fit(data, None)
        seconds += time.process_time() - start
        yield seconds, float(np.mean(net.predict(test) == y_test))


def keras_epochs(X: Any, y: Any, X_test: Any, y_test: Any) -> Iterator[tuple[float, float]]:
    """Train with Keras; yield seconds so far and accuracy after each epoch."""
    layers = keras_model("fast", "float32").layers
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((*X.shape[1:], 1)), keras.layers.RandomFlip("horizontal"), *layers]
    )
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    data, test = (as_floats(part).transpose(0, 2, 3, 1) for part in (X, X_test))
    seconds = 0.0
    while True:
        start = time.process_time()
        model.fit(data, y, batch_size=BATCH, epochs=1, verbose=0)
        seconds += time.process_time() - start
        yield seconds, float(model.evaluate(test, y_test, verbose=0, return_dict=True)["accuracy"])


def first(rows: list[Row], target: float) -> Row | None:
    """Return the first row that reaches the target."""
    return next((row for row in rows if row["accuracy"] >= target), None)


def means(rows: list[Row]) -> list[Row]:
    """Return a row for each number of epochs, with the mean of its seeds."""
    by_epochs: dict[int, list[Row]] = {}
    for row in rows:
        by_epochs.setdefault(row["epochs"], []).append(row)
    return [
        {"epochs": n, **{key: mean(row[key] for row in some) for key in ("seconds", "accuracy")}}
        for n, some in sorted(by_epochs.items())
    ]


def ratios(contestants: dict[str, list[Row]], targets: list[float]) -> dict[str, dict[str, Any]]:
    """Return, for each target, the rows that reached it, and how much longer the peers took.

    For a peer that did not reach the target, the ratio of all its seconds is a lower bound.
    """
    result: dict[str, dict[str, Any]] = {}
    for target in targets:
        reached = {name: first(rows, target) for name, rows in contestants.items()}
        ours = reached["sk_fer"]
        times = {
            name: {
                "times": round((reached[name] or rows[-1])["seconds"] / ours["seconds"], 2),
                "reached": reached[name] is not None,
            }
            for name, rows in contestants.items()
            if name != "sk_fer" and rows and ours
        }
        result[f"{target:.0%}"] = {"first": reached, "ratios": times}
    return result


def earlier_rows(args: argparse.Namespace) -> tuple[list[Row], dict[str, list[Row]]]:
    """Return the fits of sk_fer and the rows of all, of an earlier run on the same machine."""
    path = (args.out or RESULTS) / "time_to_accuracy.json"
    if not args.quick and path.exists():
        content = json.loads(path.read_text())
        if (content["machine"], content["versions"]) == (machine(), versions()):
            return content["fits"], content["rows"]
    return [], {"sk_fer": []}


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--targets", type=float, nargs="+", default=[0.63, 0.66])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of sk_fer")
    parser.add_argument(
        "--epochs", type=int, nargs="+", default=EPOCHS, help="of sk_fer, until all targets are met"
    )
    parser.add_argument("--peer-epochs", type=int, default=20, help="at most (%(default)s)")
    parser.add_argument("--only", nargs="*", choices=PEERS, default=PEERS, help="peers to run")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.epochs, args.peer_epochs = args.seeds[:1], [1], 1
    fits, contestants = earlier_rows(args)

    def keep() -> None:
        settings = {"seeds": args.seeds, "batch_size": BATCH, "peer_epochs": args.peer_epochs}
        found = ratios(contestants, args.targets)
        write_result(
            "time_to_accuracy",
            {**settings, "fits": fits, "rows": contestants, "targets": found},
            args,
        )

    for epochs in args.epochs:
        for seed in args.seeds:
            if any((fit["epochs"], fit["seed"]) == (epochs, seed) for fit in fits):
                continue
            fits.append(in_own_process(sk_fer_row, epochs, seed, args.quick))
            print("sk_fer, {epochs} epochs: {accuracy:.1%}, {seconds:.0f} s".format(**fits[-1]))
            contestants["sk_fer"] = means(fits)
            keep()
        if first(contestants["sk_fer"], max(args.targets)):
            break
    for name in args.only:
        contestants[name] = in_own_process(
            peer_rows, name, args.peer_epochs, max(args.targets), args.quick
        )
        keep()
    for name, rows in contestants.items():
        best = max(rows, key=lambda row: row["accuracy"])
        print("{}: at best {accuracy:.1%} after {seconds:.0f} s".format(name, **best))
    for target, row in ratios(contestants, args.targets).items():
        for name, ratio in row["ratios"].items():
            at_least = "" if ratio["reached"] else "more than "
            print(f"{target}: {name} takes {at_least}{ratio['times']} times as long")


if __name__ == "__main__":
    main()
