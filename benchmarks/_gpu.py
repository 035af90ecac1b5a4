"""The measurements of gpu.py. Each function runs in a process of its own and reports as it goes."""

import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _jobs import Report
from _peers import predicting_by_hand, sk_fer_classifier, training_by_hand
from skorch.callbacks import Callback

from sk_fer import (
    FERCNNClassifier,
    FEREfficientNetB2Classifier,
    FERResNet50Classifier,
    make_classifier,
)

PRETRAINED = {"resnet50": FERResNet50Classifier, "efficientnet_b2": FEREfficientNetB2Classifier}
TIMED_EPOCHS, TIMED_PREDICTIONS = 2, 3


def load(folder: Path, subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and the labels that gpu.py has stored."""
    return np.load(folder / f"{subset}_X.npy"), np.load(folder / f"{subset}_y.npy")


def throughput(
    report: Report, folder: Path, name: str, batch_size: int, device: str, quick: bool
) -> None:
    """Time training and prediction with sk_fer and with a loop written by hand, in turn."""
    X, y = load(folder, "train")
    n = len(X) // batch_size * batch_size or len(X)  # a compiled network wants equal batches
    X, y = X[:n], y[:n]
    codes = np.unique(y, return_inverse=True)[1]
    precision = "bfloat16" if device == "cuda" else "float32"
    report(network=name, images=n, batch_size=batch_size, precision=precision)

    model = sk_fer_classifier(name, device, precision, max_epochs=1, batch_size=batch_size)
    report(**{"sk_fer, training": _training_speed(model, X, y)})
    report(**{"sk_fer, prediction": _speed(lambda: model.predict_proba(X), n)})
    failures: dict[str, str] = {}
    # Compiling takes a minute.
    with torch.compiler.set_stance("force_eager") if quick else nullcontext():
        _time_by_hand(report, failures, (X, codes), (name, device, precision), batch_size)


def _time_by_hand(
    report: Report,
    failures: dict[str, str],
    data: tuple[np.ndarray, np.ndarray],
    way: tuple[str, str, str],
    batch_size: int,
) -> None:
    X, codes = data
    n = len(X)
    for compiled in (False, True):
        title = "by hand, compiled" if compiled else "by hand"
        hand = (*way, compiled)
        try:
            start = time.perf_counter()
            train = training_by_hand(X, codes, *hand, batch_size=batch_size)
            train(1)
            report(**{f"{title}, first epoch, seconds": round(time.perf_counter() - start, 1)})
            start = time.perf_counter()
            train(TIMED_EPOCHS)
            speed = TIMED_EPOCHS * n / (time.perf_counter() - start)
            report(**{f"{title}, training": round(speed, 1)})
            predict = predicting_by_hand(X, *hand)
            report(**{f"{title}, prediction": _speed(predict, n)})
        except Exception as error:  # most of all of torch.compile
            failures[title] = f"{type(error).__name__}: {error}"[:500]
            report(failures=failures)


def pretrained(report: Report, folder: Path, name: str, device: str, quick: bool) -> None:
    """Time training and prediction of a large network with random weights."""
    X, y = load(folder, "train")
    n = 28 if quick else 2048
    X, y = X[:n], y[:n]
    more: dict[str, Any] = {"input_size": 32} if quick else {}
    model = PRETRAINED[name](
        weights=None, max_epochs=1, warm_start=True, device=device, random_state=0, **more
    )
    report(
        images=n, batch_size=model.batch_size, classifier=repr(model), input_size=model.input_size
    )
    report(training=_training_speed(model, X, y))
    report(precision=str(model.net_.precision).removeprefix("torch."))
    report(prediction=_speed(lambda: model.predict_proba(X), n))


def accuracy(
    report: Report, folder: Path, preset: str, parameters: dict[str, Any], threads: int
) -> None:
    """Train on Training, and score on PublicTest once, without and with mirror images."""
    if threads:
        torch.set_num_threads(threads)
    X, y = load(folder, "train")
    X_test, y_test = load(folder, "test")
    Progress.report = report
    callbacks = [("progress", Progress())]
    if preset == "fast":
        model = FERCNNClassifier("fast", callbacks=callbacks, **parameters)
    else:
        model = make_classifier(preset, callbacks=callbacks, **parameters)
    report(max_epochs=model.max_epochs, seed=model.random_state)
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    report(
        epochs=model.n_epochs_,
        seconds=round(seconds, 2),
        per_second=round(len(X) * model.n_epochs_ / seconds, 1),
        batch_size=model.net_.batch_size,
        device=model.net_.device,
        precision=str(model.net_.precision).removeprefix("torch."),
    )
    for name, tta in (("accuracy", False), ("accuracy_tta", True)):
        report(**{name: round(float(model.set_params(tta=tta).score(X_test, y_test)), 4)})


class Progress(Callback):
    """Reports the number of epochs, which is what is left of a fit that is stopped."""

    report: Report

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Report the epochs that are done."""
        Progress.report(epochs=len(net.history))


def _training_speed(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Return images a second of two epochs of fit, after one that warms up."""
    model.fit(X, y)
    model.set_params(max_epochs=TIMED_EPOCHS)
    start = time.perf_counter()
    model.fit(X, y)  # goes on, as warm_start is set
    return round(TIMED_EPOCHS * len(X) / (time.perf_counter() - start), 1)


def _speed(predict: Callable[[], object], n: int) -> float:
    """Return images a second of the median of three predictions, after one that warms up."""
    predict()
    seconds = []
    for _ in range(TIMED_PREDICTIONS):
        start = time.perf_counter()
        predict()
        seconds.append(time.perf_counter() - start)
    return round(n / statistics.median(seconds), 1)
