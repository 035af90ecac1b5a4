"""Shared code of the sections of transfer.py: faces, folds, pretrained networks, counts, rows."""

import json
import statistics
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import _harness
import numpy as np
from _harness import RESULTS, data_folder, machine, versions, write_json
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.flop_counter import FlopCounterMode

from sk_fer import FERCNNClassifier, FERPretrainedClassifier, load_model, save_model
from sk_fer.datasets import load_ckplus, make_faces

Folds = list[tuple[np.ndarray, np.ndarray]]


class Faces(NamedTuple):
    """Images, their labels, and whose they are."""

    X: np.ndarray
    y: np.ndarray
    subjects: np.ndarray

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Return seven ninths of the images and two, 764 and 217, without a subject in both."""
        ninths = StratifiedGroupKFold(9, shuffle=True, random_state=0)
        parts = [test for _, test in ninths.split(self.X, self.y, self.subjects)]
        return np.concatenate(parts[2:]), np.concatenate(parts[:2])

    def folds(self, args: Namespace) -> Folds:
        """Return five folds, each subject in one."""
        folds = StratifiedGroupKFold(args.folds, shuffle=True, random_state=args.fold_seed)
        return list(folds.split(self.X, self.y, self.subjects))

    def random_folds(self, args: Namespace) -> Folds:
        """Return five folds of images, which have each subject in all."""
        folds = StratifiedKFold(args.folds, shuffle=True, random_state=args.fold_seed)
        return list(folds.split(self.X, self.y))


def ckplus(args: Namespace) -> Faces:
    """Return CK+48; of --quick, drawn faces."""
    if args.quick:
        X, y = make_faces(63, random_state=0)
        return Faces(X, y, np.arange(len(y)) // 7)
    bunch = load_ckplus(data_folder() / "CK+48")
    return Faces(bunch.data, bunch.target, bunch.groups)


def fer2013(args: Namespace, subset: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of FER2013; of --quick, drawn faces."""
    if args.quick:
        return make_faces(28, random_state=1)
    return _harness.fer2013(subset)


# -- networks that were trained on FER2013 ------------------------------------------------


def pretrained_fast(args: Namespace) -> Any:
    """Return the default CNN, fitted to FER2013's Training split by the first who asks."""
    model = FERCNNClassifier(max_epochs=args.pretrain_epochs, random_state=0)
    return _pretrained(model, args.pretrained, None, args)


def pretrained_resnet(args: Namespace) -> Any:
    """Return weights for ResNet50: --weights, or those that one of ours has learnt."""
    if args.weights:
        return args.weights
    model = FERPretrainedClassifier(
        args.resnet,
        weights=None,
        input_size=48,
        head="conv",
        max_epochs=args.pretrain_epochs_resnet,
        batch_size=64,
        random_state=0,
    )
    return _pretrained(model, args.pretrained_resnet, args.pretrain_images_resnet, args)


def _pretrained(model: Any, path: Path, n_images: int | None, args: Namespace) -> Any:
    if path.exists():
        return load_model(path)
    X, y = (part[:n_images] for part in fer2013(args))
    print(f"pretraining on {len(y)} images of FER2013, {model.max_epochs} epochs", flush=True)
    model.fit(X, y)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, path)
    return model


def pretraining_seconds(weights: Any) -> float | None:
    """Return how long the epochs took, which model files remember; None of foreign weights."""
    return float(weights.history_["seconds"].sum()) if hasattr(weights, "history_") else None


# -- measuring -----------------------------------------------------------------------------


def score(model: Any, faces: Faces, folds: Folds) -> dict[str, Any]:
    """Fit and score a classifier in each fold."""
    accuracies, fits, predictions = [], [], []
    for train, test in folds:
        start = time.perf_counter()
        fitted = clone(model).fit(faces.X[train], faces.y[train])
        fits.append(time.perf_counter() - start)
        predicted = fitted.predict(faces.X[test])
        predictions.append(time.perf_counter() - start - fits[-1])
        accuracies.append(float(np.mean(predicted == faces.y[test])))
    spread = {
        "mean": statistics.mean(accuracies),
        "std": statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
        "min": min(accuracies),
        "max": max(accuracies),
    }
    return {
        "accuracy": {name: round(value, 4) for name, value in spread.items()},
        "accuracies": [round(value, 4) for value in accuracies],
        "fit_seconds": [round(value, 2) for value in fits],
        "seconds": round(sum(fits) + sum(predictions), 1),
    }


def print_score(name: str, row: dict[str, Any]) -> None:
    """Print a line about what :func:`score` returned."""
    accuracy, seconds = row["accuracy"], statistics.mean(row["fit_seconds"])
    print(
        f"{name:40} {accuracy['mean']:6.1%} +- {accuracy['std']:.1%} ({accuracy['min']:.1%} to "
        f"{accuracy['max']:.1%}) {seconds:7.1f} s a fit",
        flush=True,
    )


def shortened(settings: dict[str, Any], args: Namespace) -> dict[str, Any]:
    """Return the settings; of --quick, for one epoch."""
    return {**settings, "max_epochs": 1} if args.quick else settings


def gigamacs(model: FERPretrainedClassifier, X: np.ndarray) -> float:
    """Return the multiplications of one image's prediction, in 1e9."""
    fitted = model.set_params(max_epochs=1).fit(X, ["a", "b"])
    with FlopCounterMode(display=False) as counter:
        fitted.predict_proba(X[:1])
    return counter.get_total_flops() / 2 / 1e9


@contextmanager
def counted_images() -> Iterator[list[int]]:
    """Count the gray images that go into networks, by their first convolution.

    A blank image does not count: each fit sends one, to learn the shape of the features.
    """
    seen = [0]

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d) and module.in_channels == 1:
            seen[0] += int(inputs[0].flatten(1).any(1).sum())

    hook = register_module_forward_hook(count)
    try:
        yield seen
    finally:
        hook.remove()


def keep(section: str, result: dict[str, Any], args: Namespace) -> None:
    """Write the rows of a section into transfer.json, beside those that are there."""
    folder = args.out or (None if args.quick else RESULTS)
    if folder is None:
        return
    path = folder / "transfer.json"
    sections = json.loads(path.read_text()) if path.exists() else {}
    before = sections.get(section, {})
    facts = {"machine": machine(), "versions": versions(), "quick": args.quick}
    sections[section] = {**before, **facts, **result}
    if "rows" in result:
        sections[section]["rows"] = {**before.get("rows", {}), **result["rows"]}
    write_json(path, sections)
