"""The sections of the report, each of which returns its content or raises an error."""

from __future__ import annotations

import inspect
import platform
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from sk_fer._utils._digest import digest
from sk_fer.inspection._history import HistoryDisplay
from sk_fer.inspection._mistakes import MistakesDisplay
from sk_fer.inspection._saliency import SaliencyDisplay, overlay
from sk_fer.inspection.report._blocks import (
    Block,
    Commands,
    Face,
    Faces,
    Grid,
    Picture,
    Text,
    grid_of,
    share,
)
from sk_fer.inspection.report._evaluated import images_and_labels
from sk_fer.inspection.report._measured import Measured
from sk_fer.model_selection import describe_faces
from sk_fer.model_selection._label_noise import label_issues
from sk_fer.persistence._model_facts import LIMITS, last_epoch, model_facts, model_steps

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_N_FACES = 14
_N_SUSPICIOUS = 14
_N_PAIRS = 8
_N_BINS = 10


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
    rows = _some_of_each(of.labels, 2)
    faces = [Face.of(_plain(of.images[i]), str(of.labels[i])) for i in rows]
    return [*blocks, Faces("Two images of each class", faces)]


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
    figure = _figure(9, 3.6)
    HistoryDisplay.from_estimator(last, ax=figure.subplots(1, 2))
    words = f"Two plots: the loss and the accuracy after each of {last.n_epochs_} epochs."
    return [
        Picture.of(figure, words),
        grid_of("After the last epoch", last_epoch(last).items(), ["", "Value"]),
    ]


def scores(measured: Measured, about: Bunch) -> list[Block]:
    """Tabulate the scores of the predicted labels, with intervals, and those of each class."""
    report = measured.per_class
    rows = [
        (str(name), *(share(row[measure]) for measure in report.means), f"{row['support']:,.0f}")
        for name, row in report.table.iterrows()
    ]
    rows.append(("Mean", *map(share, report.means.values()), f"{len(measured.of.labels):,}"))
    blocks: list[Block] = [
        _score_grid("Scores of the predicted classes", measured.label_scores),
        Text(
            "The interval is that of 95 % of the scores if the images are drawn again. It does not "
            "include how much the score varies between trainings."
        ),
        Grid("Scores of each class", ["Class", "Precision", "Recall", "F1", "Images"], rows),
    ]
    if report.absent:
        names = ", ".join(map(str, report.absent))
        blocks.append(Text(f"The means exclude classes without images: {names}."))
    return blocks


def confusion(measured: Measured, about: Bunch) -> list[Block]:
    """Plot which classes are predicted for which."""
    from sklearn.metrics import ConfusionMatrixDisplay

    of = measured.of
    labels = measured.per_class.table.index.tolist()
    names = [str(name) for name in labels]
    side = max(4.0, 1.6 + 0.55 * len(labels))
    figure = _figure(side + 0.6, side)
    ax = figure.subplots()
    display = ConfusionMatrixDisplay.from_predictions(
        of.labels,
        of.predicted,
        labels=labels,
        display_labels=names,
        normalize="true",
        cmap="Blues",
        values_format=".0%",
        xticks_rotation=45,
        colorbar=False,
        ax=ax,
    )
    for text in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        text.set_parse_math(False)
    pairs = Counter(
        (str(label), str(predicted))
        for label, predicted, right in zip(
            of.labels.tolist(), of.predicted.tolist(), of.is_right, strict=True
        )
        if not right
    )
    frequent = [
        (label, predicted, f"{count:,}")
        for (label, predicted), count in pairs.most_common(_N_PAIRS)
    ]
    shares = [
        (name, *(share(value) for value in row))
        for name, row in zip(names, display.confusion_matrix, strict=True)
    ]
    words = (
        "The confusion matrix: the share of each predicted class among the images of each class."
    )
    return [
        Picture.of(figure, f"{words} The table below has the same numbers."),
        Grid("Share of each predicted class, by class", ["Class", *names], shares, is_open=False),
        Grid("Most frequent errors", ["Class", "Predicted", "Images"], frequent),
    ]


def probabilities(measured: Measured, about: Bunch) -> list[Block]:
    """Tabulate the scores of the probabilities, and plot accuracy against confidence."""
    from sklearn.calibration import CalibrationDisplay

    of = measured.of
    table = measured.probability_scores
    confidence = of.probabilities.max(axis=1).clip(0, 1)
    figure = _figure(5.6, 4.6)
    ax = figure.subplots()
    CalibrationDisplay.from_predictions(
        of.is_right,
        confidence,
        n_bins=_N_BINS,
        strategy="quantile",
        pos_label=True,
        ax=ax,
        name="Classifier",
    )
    ax.set(xlabel="Mean confidence (probability of the predicted class)", ylabel="Accuracy")
    words = (
        "A reliability diagram: the accuracy of images by the mean probability of the predicted "
        f"class, in {_N_BINS} bins of as many images. A calibrated classifier is on the diagonal."
    )
    return [
        _score_grid("Scores of the probabilities", table, as_share=False),
        Picture.of(figure, words),
    ]


def saliency(measured: Measured, about: Bunch) -> list[Block]:
    """Show on which places the predictions for one image of each class depend."""
    of = measured.of
    rows = _some_of_each(of.labels, 1)
    blocks: list[Block] = []
    for method, name in (("occlusion", "Occlusion"), ("grad_cam", "Grad-CAM")):
        figure = _figure(1, 1)
        try:
            display = SaliencyDisplay.from_estimator(
                of.model, of.X[rows], method=method, n_images=len(rows), ax=figure.subplots()
            )
        except (TypeError, ValueError) as error:
            if method == "occlusion":
                raise
            blocks.append(Text(f"{name}: {error}."))
            continue
        faces = [
            Face.of(overlay(image, values), f"{label} {confidence:.0%}", f"is {of.labels[i]}")
            for image, values, label, confidence, i in zip(
                display.images, display.maps, display.labels, display.confidence, rows, strict=True
            )
        ]
        blocks.append(Faces(f"{name}: the brighter, the more the predicted class depends", faces))
    return [
        Text(
            "Occlusion hides a square of the face, and measures how much less probable the "
            "predicted class becomes. Grad-CAM weighs a feature map of a convolutional network."
        ),
        *blocks,
    ]


def errors(measured: Measured, about: Bunch) -> list[Block]:
    """Show the most confident errors."""
    of = measured.of
    display = MistakesDisplay.from_predictions(
        _plain(of.images),
        of.labels,
        of.probabilities,
        classes=of.classes,
        n_images=_N_FACES,
        ax=_figure(1, 1).subplots(),
    )
    if not display.n_mistakes:
        return [Text("There are no errors.")]
    faces = [
        Face.of(image, f"{predicted} {confidence:.0%}", f"is {label}")
        for image, predicted, confidence, label in zip(
            display.images, display.y_pred, display.confidence, display.y_true, strict=True
        )
    ]
    rows = [
        (of.names[i], str(of.labels[i]), str(predicted), f"{confidence:.0%}")
        for i, predicted, confidence in zip(
            display.indices, display.y_pred, display.confidence, strict=True
        )
    ]
    columns = ["Image", "Class", "Predicted", "Confidence"]
    return [
        Text(f"{display.n_mistakes:,} of {len(of.labels):,} images are predicted wrong."),
        Faces("The most confident errors", faces),
        Grid("The images of these errors", columns, rows, is_open=False),
    ]


def suspicious_labels(measured: Measured, about: Bunch) -> list[Block]:
    """Show the images whose labels are most suspicious."""
    of = measured.of
    rows = np.flatnonzero(of.is_known)
    issues = label_issues(of.labels[rows], of.probabilities[rows], of.classes)
    worst = issues.table[issues.table["is_issue"]].nlargest(_N_SUSPICIOUS, "suspicion")
    blocks: list[Block] = [
        Text(
            f"{issues.summary} cleanlab estimates this from the probabilities of the classifier, "
            f"which is right for {share(float(of.is_right.mean()))} of the images: some of these "
            "labels are right, and the classifier is wrong. Look at an image before you leave it "
            "out. It can also be unusual for its class, or show several expressions."
        )
    ]
    if len(worst):
        faces = [
            Face.of(_plain(of.images[rows[i]]), f"is {row['label']}", f"{row['predicted']}?")
            for i, row in worst.iterrows()
        ]
        table = [
            (of.names[rows[i]], str(row["label"]), str(row["predicted"]), f"{row['suspicion']:.3f}")
            for i, row in worst.iterrows()
        ]
        columns = ["Image", "Class", "Predicted", "Suspicion"]
        blocks += [
            Faces("The most suspicious labels", faces),
            Grid("The images of these labels", columns, table, is_open=False),
        ]
    return blocks


def limits(measured: Measured, about: Bunch) -> list[Block]:
    """Say what the scores do not mean."""
    return [Text(f"{subject}. {text}") for subject, text in LIMITS.items()]


def repeat(measured: Measured, about: Bunch) -> list[Block]:
    """Say how the report can be made again."""
    from sk_fer._utils._library_versions import library_versions

    content = np.ascontiguousarray(measured.of.images)
    versions = {
        "Python": platform.python_version(),
        **library_versions(),
        "System": platform.platform(terse=True),
        "SHA-256 of the images": digest(content.data)[:16],
    }
    blocks: list[Block] = [grid_of("Versions and data", versions.items(), ["", "Value"])]
    if about.commands:
        blocks.insert(0, Commands(about.commands))
    return blocks


SECTIONS: dict[str, Callable[[Measured, Bunch], list[Block]]] = {
    "Images": images,
    "Copies of training images": copies,
    "Model": model,
    "Training": training,
    "Scores": scores,
    "Confusion": confusion,
    "Probabilities": probabilities,
    "What predictions depend on": saliency,
    "Most confident errors": errors,
    "Suspicious labels": suspicious_labels,
    "Limits": limits,
    "How to repeat this report": repeat,
}


def _figure(width: float, height: float) -> Figure:
    """Return a figure of this size in inches that pyplot does not know."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


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


def _some_of_each(labels: NDArray, n_images: int) -> NDArray[np.intp]:
    """Return the rows of the first images of each class."""
    rows = [np.flatnonzero(labels == label)[:n_images] for label in np.unique(labels)]
    return np.concatenate(rows)


def _plain(images: NDArray) -> NDArray:
    """Return gray images without an axis for the channel."""
    return images[..., 0] if images.shape[-1] == 1 else images


def _score_grid(caption: str, table: pd.DataFrame, *, as_share: bool = True) -> Grid:
    write = share if as_share else "{:.3f}".format
    rows = [
        (str(name), write(row["score"]), f"{write(row['low'])} to {write(row['high'])}")
        for name, row in table.iterrows()
    ]
    return Grid(caption, ["Score", "Value", "95 % interval"], rows)


def _is_default(value: Any, parameter: inspect.Parameter | None) -> bool:
    """Return whether a parameter has its default, where values can be compared."""
    return parameter is not None and repr(value) == repr(parameter.default)
