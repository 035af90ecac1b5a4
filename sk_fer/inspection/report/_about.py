"""The sections on the images, the model and its limits."""

from __future__ import annotations

import inspect
import platform
from collections import Counter
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sk_fer._utils._digest import digest
from sk_fer._utils._library_versions import library_versions
from sk_fer.inspection._history import HistoryDisplay
from sk_fer.inspection.report._blocks import (
    Block,
    Commands,
    Face,
    Faces,
    Grid,
    Picture,
    Text,
    grid_of,
    new_figure,
)
from sk_fer.inspection.report._evaluated import images_and_labels
from sk_fer.inspection.report._measured import Measured
from sk_fer.model_selection import describe_faces
from sk_fer.persistence._model_facts import LIMITS, last_epoch, model_facts, model_steps

_N_OF_CLASS = 2
_MOST_FACES = 28


def images(measured: Measured, about: Bunch) -> list[Block]:
    """Describe the images, and show some of each class."""
    of = measured.of
    shape = " x ".join(map(str, of.images.shape[1:3]))
    blocks: list[Block] = [
        Text(f"{len(of.images):,} images of {shape} pixels: {about.data_name}."),
        _counts(measured),
    ]
    found = describe_faces(Bunch(**{**of.data, "target": of.labels, "images": of.images}))
    blocks += [Text(sentence) for sentence in found.suspicious]
    rows = of.some_of_each(_N_OF_CLASS, _MOST_FACES)
    faces = [Face.of(of.images[i], str(of.labels[i])) for i in rows]
    return [*blocks, Faces("Images of each class", faces)]


def copies(measured: Measured, about: Bunch) -> list[Block]:
    """Count the copies of training images."""
    if measured.leaks is None:
        return [Text(note) for note in measured.leak_notes]
    table = measured.leaks.table
    rows = [(str(name), *(f"{count:,}" for count in row)) for name, row in table.iterrows()]
    columns = ["Class", "Images", "Exact copies", "Near copies", "Other label"]
    return [
        *map(Text, measured.leak_notes),
        Grid("Images that are copies of a training image", columns, rows),
    ]


def model(measured: Measured, about: Bunch) -> list[Block]:
    """Describe the model and its parameters."""
    blocks: list[Block] = [
        grid_of("The model", model_facts(about.estimator).items(), ["", "Value"])
    ]
    for step in model_steps(about.estimator):
        if step in (None, "passthrough"):
            continue
        name, defaults = type(step).__name__, inspect.signature(type(step)).parameters
        values = step.get_params(deep=False)
        changed = [
            (parameter, repr(value))
            for parameter, value in values.items()
            if not _is_default(value, defaults.get(parameter))
        ]
        all_of_them = [(parameter, repr(value)) for parameter, value in values.items()]
        columns = ["Parameter", "Value"]
        if changed:
            blocks.append(Grid(f"Parameters of {name} that are not defaults", columns, changed))
        blocks.append(Grid(f"All parameters of {name}", columns, all_of_them, is_open=False))
    return blocks


def training(measured: Measured, about: Bunch) -> list[Block]:
    """Plot the history of the training."""
    last = model_steps(about.estimator)[-1]
    if not hasattr(last, "history_"):
        return [Text(f"{type(last).__name__} has no history of its training.")]
    figure = new_figure(6.4, 5.6)
    HistoryDisplay.from_estimator(last, ax=figure.subplots(2, 1))
    words = f"Two plots: the loss and the accuracy after each of {last.n_epochs_} epochs."
    return [
        Picture.of(figure, words),
        grid_of("After the last epoch", last_epoch(last).items(), ["", "Value"]),
    ]


def limits(measured: Measured, about: Bunch) -> list[Block]:
    """Say what the scores do not mean."""
    return [Text(f"{subject}. {text}") for subject, text in LIMITS.items()]


def repeat(measured: Measured, about: Bunch) -> list[Block]:
    """Say how the report can be made again."""
    content = np.ascontiguousarray(measured.of.images)
    versions = {
        "Python": platform.python_version(),
        **library_versions(),
        "System": platform.platform(terse=True),
        "SHA-256 of the images, 16 digits": digest(content.data)[:16],
    }
    blocks: list[Block] = [grid_of("Versions and data", versions.items(), ["", "Value"])]
    if about.commands:
        blocks.insert(0, Commands(about.commands))
    return blocks


def _counts(measured: Measured) -> Grid:
    """Count the images of each class."""
    of = measured.of
    counted = {"Images": Counter(map(str, of.original_labels.tolist()))}
    if of.train is not None:
        _, labels = images_and_labels(of.train, "train")
        counted["Training images"] = Counter(map(str, labels.tolist()))
    names = sorted(set().union(*counted.values()))
    rows = [(name, *(f"{counts[name]:,}" for counts in counted.values())) for name in names]
    rows.append(("All", *(f"{counts.total():,}" for counts in counted.values())))
    return Grid("Images of each class", ["Class", *counted], rows)


def _is_default(value: Any, parameter: inspect.Parameter | None) -> bool:
    """Return whether a parameter has its default, where values can be compared."""
    return parameter is not None and repr(value) == repr(parameter.default)
