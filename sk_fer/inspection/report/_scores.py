"""The sections on the scores."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.utils import Bunch

from sk_fer.inspection._face_grid import short_name
from sk_fer.inspection.report._blocks import Block, Grid, Picture, Text, new_figure, share
from sk_fer.inspection.report._measured import Measured

if TYPE_CHECKING:
    import pandas as pd

_N_PAIRS = 8
_N_BINS = 10
_MOST_CLASSES = 20  # with numbers in the confusion matrix


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
    of = measured.of
    labels = measured.per_class.table.index.tolist()
    names = [str(name) for name in labels]
    side = min(max(4.0, 1.6 + 0.55 * len(labels)), 12.0)
    figure = new_figure(side + 0.6, side)
    ax = figure.subplots()
    display = ConfusionMatrixDisplay.from_predictions(
        of.labels,
        of.predicted,
        labels=labels,
        display_labels=list(map(short_name, names)),
        include_values=len(names) <= _MOST_CLASSES,
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
    blocks: list[Block] = [
        Picture.of(figure, f"{words} The table below has the same numbers."),
        Grid("Share of each predicted class, by class", ["Class", *names], shares, is_open=False),
    ]
    if frequent:
        blocks.append(Grid("Most frequent errors", ["Class", "Predicted", "Images"], frequent))
    return blocks


def probabilities(measured: Measured, about: Bunch) -> list[Block]:
    """Tabulate the scores of the probabilities, and plot accuracy against confidence."""
    of = measured.of
    table = measured.probability_scores
    confidence = of.probabilities.max(axis=1).clip(0, 1)
    figure = new_figure(5.6, 4.6)
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


def _score_grid(caption: str, table: pd.DataFrame, *, as_share: bool = True) -> Grid:
    write = share if as_share else "{:.3f}".format
    rows = [
        (str(name), write(row["score"]), f"{write(row['low'])} to {write(row['high'])}")
        for name, row in table.iterrows()
    ]
    return Grid(caption, ["Score", "Value", "95 % interval"], rows)
