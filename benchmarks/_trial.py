"""Estimates the number of epochs of a fit in a budget of seconds, from small fits."""

import time
from contextlib import suppress
from typing import Any

import numpy as np
from skorch.callbacks import Callback

from sk_fer import make_classifier

Data = tuple[np.ndarray, np.ndarray]
FIRST_IMAGES, FIRST_EPOCHS = 1024, 8
LEAST_SECONDS = 2.0
# From so many epochs on, the share of those with small images hardly depends on the number.
MANY_EPOCHS = 16


class _Stop(Callback):
    """Stop a fit before its first step."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        raise InterruptedError


def batch_size(preset: str, parameters: dict[str, Any], train: Data) -> int:
    """Return the batch size of a fit, which "auto" chooses by the number of images."""
    model = make_classifier(preset, **parameters).set_params(callbacks=[("stop", _Stop())])
    with suppress(InterruptedError):
        model.fit(*train)
    return model.net_.batch_size


def speed(n_epochs: int, preset: str, parameters: dict[str, Any], train: Data) -> float:
    """Return the images per second of a fit, from a fit of as many epochs to some of its images.

    The trial has the batches of the whole fit, since smaller ones are up to half as fast, and
    the same share of epochs with small images.
    """
    X, y = train
    parameters = {**parameters, "max_epochs": n_epochs, "random_state": 0}
    parameters["batch_size"] = batch_size(preset, parameters, train)
    n_images = min(FIRST_IMAGES, len(X))
    fit_seconds(preset, parameters, (X[: n_images // 2], y[: n_images // 2]))  # warms up
    seconds = fit_seconds(preset, parameters, (X[:n_images], y[:n_images]))
    while seconds < LEAST_SECONDS and n_images < len(X):  # on a GPU
        n_images = min(4 * n_images, len(X))
        seconds = fit_seconds(preset, parameters, (X[:n_images], y[:n_images]))
    return n_epochs * n_images / seconds


def fit_seconds(preset: str, parameters: dict[str, Any], train: Data) -> float:
    """Return the seconds of a fit."""
    model = make_classifier(preset, **parameters)
    start = time.perf_counter()
    model.fit(*train)
    return time.perf_counter() - start


def epochs_in(budget: float, preset: str, parameters: dict[str, Any], train: Data) -> int:
    """Return how many epochs fit into a budget of seconds."""
    n_epochs = FIRST_EPOCHS
    for _ in range(3):
        tried = n_epochs
        images_per_second = speed(tried, preset, parameters, train)
        n_epochs = max(1, int(budget * images_per_second / len(train[0])))
        print(
            f"{images_per_second:,.0f} images/s in a small fit of {tried} epochs: {n_epochs} "
            f"epochs in {budget:g} s",
            flush=True,
        )
        if n_epochs == tried or min(n_epochs, tried) >= MANY_EPOCHS:
            return n_epochs
    return min(n_epochs, tried)
