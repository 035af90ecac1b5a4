"""Training speed of sk_fer and of its alternatives.

    python benchmarks/throughput.py [--only vgg fast dense scaling] [--quick]

vgg, fast   the network with SGD (Nesterov), batches of 128, no augmentation: `FERCNNClassifier`,
            plain skorch, a torch loop tuned by hand (uint8 on the device, channels_last, fused
            optimizer, the best precision of the hardware) and, for vgg, Keras 3 on TensorFlow.
dense       dense layers (512, 256) with Adam, batches of 128: `FERDenseClassifier` and
            scikit-learn's `MLPClassifier`.
scaling     `fit` on 1, 2, 4 and 8 times as many images, and the deviation of its seconds from a
            straight line (with an intercept).

The images are noise of FER2013's shape. The alternatives get floats that were made before; sk_fer
gets uint8 and standardizes each image during training. FLOPs are those of matrix products and
convolutions, forward and backward, as torch counts them. The share of the peak is relative to the
fastest square matrix product in the same run. Writes results/throughput_<section>.json, with
`_cuda` at the end of the name on a GPU and `_bf16` on a CPU with bfloat16.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _harness import (
    Contestant,
    matrix_products,
    print_race,
    race,
    race_command_line,
    suffix,
    write_result,
)
from _peers import (
    BATCH,
    N_CLASSES,
    as_floats,
    flops_per_image,
    random_faces,
    train_by_hand,
    train_keras,
    train_sk_fer,
    train_skorch,
)

from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.training import resolve_device, resolve_precision

SECTIONS = ("vgg", "fast", "dense", "scaling")
# Images of a call: some ten seconds of the slowest contestant on two cores, one on a GPU.
IMAGES = {
    "cpu": {"vgg": 384, "fast": 1280, "dense": 28_672, "scaling": 512},
    "cuda": {"vgg": 28_672, "fast": 28_672, "dense": 28_672, "scaling": 7_168},
}
HIDDEN = (512, 256)


def convolutional(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Race the ways to train a convolutional network."""
    n, device, best, quick = args.images, args.device, args.precision, args.quick
    work = n * args.epochs
    flops = flops_per_image(name, training=True) * work

    def contestant(title: str, prepare: Callable, *arguments: Any, precision: str) -> Contestant:
        return Contestant(title, prepare, arguments, work, flops, precision)

    shared = (name, n, args.epochs)
    hand = (*shared, device)
    entries = [
        contestant("sk_fer", train_sk_fer, *hand, "auto", {}, precision=best),
        contestant("skorch, float32", train_skorch, *hand, precision="float32"),
        contestant("torch by hand", train_by_hand, *hand, best, False, precision=best),
    ]
    if name == "vgg":
        entries.append(
            contestant("Keras, float32", train_keras, *shared, "float32", precision="float32")
        )
    if best != "float32":
        entries.append(
            contestant("sk_fer, float32", train_sk_fer, *hand, "float32", {}, precision="float32")
        )
    if best != "float32" and name == "vgg":
        mixed = f"mixed_{best}"
        entries.append(contestant("Keras, mixed", train_keras, *shared, mixed, precision=best))
    if args.compile:
        more = {"compile": True}
        entries.append(
            contestant("torch by hand, compiled", train_by_hand, *hand, best, True, precision=best)
        )
        if "compile" in FERCNNClassifier().get_params():
            entries.append(
                contestant("sk_fer, compiled", train_sk_fer, *hand, "auto", more, precision=best)
            )
    expected = [e for e in entries if not (args.without and e.name.startswith(tuple(args.without)))]
    products = matrix_products(device, best, quick=quick)
    outcome = race(products + expected, args.repeats, quick=quick)
    result = outcome.result("sk_fer")
    print_race(result, f"{name}, training: {n} images, {args.epochs} epochs")
    if best == "float32" and name == "vgg":
        reason = "no bfloat16 in this hardware, only emulated"
        result["skipped"]["Keras, mixed"] = reason
        print(f"Keras, mixed: skipped, {reason}")
    return result


def dense(args: argparse.Namespace) -> dict[str, Any]:
    """Race an epoch of dense layers."""
    n, work = args.images, args.images * args.epochs
    flops = flops_per_image("dense", training=True, hidden_layer_sizes=HIDDEN) * work
    entries = [
        Contestant(
            "sk_fer", train_sk_fer_dense, (n, args.epochs, args.device), work, flops, args.precision
        ),
        Contestant("MLPClassifier, float64", train_mlp, (n, args.epochs, "float64"), work),
        Contestant("MLPClassifier, float32", train_mlp, (n, args.epochs, "float32"), work, flops),
    ]
    products = matrix_products(args.device, args.precision, quick=args.quick)
    result = race(products + entries, args.repeats, quick=args.quick).result("sk_fer")
    print_race(result, f"dense {HIDDEN}, training: {n} images, {args.epochs} epochs")
    return result


def train_sk_fer_dense(n: int, epochs: int, device: str) -> Callable[[], object]:
    """Use FERDenseClassifier on uint8 images, each standardized as it trains."""
    X, y = random_faces(n)
    model = FERDenseClassifier(
        HIDDEN,
        optimizer="adam",
        lr=1e-3,
        lr_schedule=None,
        batch_size=BATCH,
        max_epochs=epochs,
        warm_start=True,
        device=device,
        random_state=0,
    )
    return lambda: model.fit(X, y)


def train_mlp(n: int, epochs: int, dtype: str) -> Callable[[], object]:
    """Use scikit-learn's MLPClassifier on floats made beforehand."""
    from sklearn.neural_network import MLPClassifier

    X, y = random_faces(n)
    floats = as_floats(X).reshape(n, -1).astype(dtype)
    model = MLPClassifier(HIDDEN, batch_size=BATCH, learning_rate_init=1e-3, random_state=0)

    def run() -> None:
        for _ in range(epochs):
            model.partial_fit(floats, y, classes=np.arange(N_CLASSES))

    return run


def scaling(args: argparse.Namespace) -> dict[str, Any]:
    """Time fits on more and more images, and measure how straight the line is."""
    sizes = [args.images * times for times in (1, 2, 4, 8)]
    entries = [
        Contestant(
            f"{n} images", train_sk_fer, ("fast", n, args.epochs, args.device, "auto", {}), n
        )
        for n in sizes
    ]
    result = race(entries, args.repeats, quick=args.quick).result()
    seconds = np.array([np.median(result["contestants"][e.name]["seconds"]) for e in entries])
    # Relative errors are what is asked for, so each point weighs by its inverse.
    slope, start = np.polyfit(sizes, seconds, 1, w=1 / seconds)
    off = np.abs((start + slope * np.array(sizes)) / seconds - 1).max()
    result |= {
        "sizes": sizes,
        "start_seconds": round(float(start), 4),
        "microseconds_per_image": round(float(slope) * 1e6, 2),
        "largest_deviation": round(float(off), 4),
    }
    print_race(result, f"scaling, fast: {args.epochs} epochs")
    print(f"{start:.3f} s + {slope * 1e6:.1f} us an image; off that line by {off:.1%} at most")
    return result


def main() -> None:
    parser = race_command_line(__doc__, SECTIONS)
    parser.add_argument("--epochs", type=int, help="epochs of a call (default: by device)")
    parser.add_argument("--compile", action="store_true", default=None, help="default on a GPU")
    parser.add_argument("--without", nargs="+", metavar="NAME", help="contestants to leave out")
    args = parser.parse_args()
    device = resolve_device(args.device)
    args.device = device.type
    args.precision = str(resolve_precision("auto", device)).removeprefix("torch.")
    on_gpu = args.device == "cuda"
    args.compile = on_gpu if args.compile is None else args.compile
    args.epochs = args.epochs or (5 if on_gpu else 1)
    images = args.images
    for section in args.only:
        tiny = BATCH if section == "dense" else 8
        default = tiny if args.quick else IMAGES["cuda" if on_gpu else "cpu"][section]
        args.images = images or default
        if section == "dense":
            result = dense(args)
        elif section == "scaling":
            result = scaling(args)
        else:
            result = convolutional(section, args)
        facts = {
            "batch_size": BATCH,
            "images": args.images,
            "epochs": args.epochs,
            "device": args.device,
            "precision": args.precision,
            "torch_threads": torch.get_num_threads(),
        }
        ending = suffix(args.device, args.precision)
        write_result(f"throughput_{section}{ending}", facts | result, args)


if __name__ == "__main__":
    main()
