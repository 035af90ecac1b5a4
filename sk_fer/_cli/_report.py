"""Tables and pictures of what was read and of what a classifier gets right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.markup import escape
from rich.table import Table
from sklearn.metrics import accuracy_score, classification_report

from sk_fer._cli._console import console, say
from sk_fer.datasets._names import SUBSETS
from sk_fer.model_selection import find_duplicates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sk_fer._cli._data import Faces

_MEASURES = ("precision", "recall", "f1-score")


def show_faces(faces: Faces) -> None:
    """Say what was read: images, classes, splits, copies, and what was left out."""
    height, width = faces.images.shape[1:3]
    splits = [split for split in SUBSETS if split in faces.splits]
    say(
        f"[bold]{escape(faces.source.name)}[/]: {len(faces.images):,} images of "
        f"{height} x {width} pixels in {len(faces.target_names)} classes"
    )
    table = Table(box=box.SIMPLE, show_footer=True, footer_style="bold")
    table.add_column("class", footer="all")
    for split in splits:
        table.add_column(split, footer=f"{(faces.splits == split).sum():,}", justify="right")
    for name in faces.target_names:
        of_class = faces.splits[faces.target == name]
        table.add_row(escape(name), *(f"{(of_class == split).sum():,}" for split in splits))
    console.print(table)
    say(f"Splits: {faces.split_note}.")
    copies = find_duplicates(faces.images, faces.target, usage=faces.splits)
    say(copies.summary)
    if faces.skipped:
        place, reason = faces.skipped[0]
        say(escape(f"{len(faces.skipped):,} bad images left out, the first: {place}, {reason}"))


@dataclass(frozen=True)
class Score:
    """What a classifier makes of the images of a split."""

    split: str
    y_true: NDArray
    y_pred: NDArray
    names: list[str]
    known: frozenset[str]

    @cached_property
    def report(self) -> dict[str, Any]:
        """scikit-learn's classification report, of the classes that have images."""
        report = classification_report(
            self.y_true, self.y_pred, labels=self.present, output_dict=True, zero_division=0
        )
        return {"accuracy": accuracy_score(self.y_true, self.y_pred), **report}

    @property
    def present(self) -> list[str]:
        """The classes that have images, which alone count in the means."""
        seen = set(self.y_true.tolist())
        return [name for name in self.names if name in seen]

    @property
    def notes(self) -> list[str]:
        """What the table does not show: classes without images or unknown to the model."""
        notes = []
        absent = [name for name in self.names if name not in self.present]
        if absent:
            notes.append(f"The means leave out {', '.join(map(str, absent))}: no images.")
        unknown = [name for name in self.present if name not in self.known]
        if unknown:
            n_images = int(np.isin(self.y_true, unknown).sum())
            counted = "1 image is" if n_images == 1 else f"{n_images:,} images are"
            notes.append(
                f"{counted} of {', '.join(map(str, unknown))}, which the model does not know; "
                "they count as wrong."
            )
        return notes

    def table(self) -> Table:
        """Return precision, recall and F1 of each class."""
        report, mean = self.report, self.report["macro avg"]
        n_images = f"{len(self.y_true):,}"
        table = Table(box=box.SIMPLE, show_footer=True, footer_style="bold")
        table.add_column("class", footer="mean")
        for measure in _MEASURES:
            table.add_column(
                measure.removesuffix("-score"), footer=f"{mean[measure]:.3f}", justify="right"
            )
        table.add_column("images", footer=n_images, justify="right")
        for name in self.names:
            row = report.get(str(name), {"support": 0})
            numbers = [f"{row[measure]:.3f}" if measure in row else "-" for measure in _MEASURES]
            table.add_row(escape(str(name)), *numbers, f"{row['support']:,.0f}")
        return table

    def figure(self) -> Figure:
        """Draw which classes are taken for which, as shares of each true class."""
        from matplotlib.figure import Figure
        from sklearn.metrics import ConfusionMatrixDisplay

        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        ax = figure.subplots()
        ConfusionMatrixDisplay.from_predictions(
            self.y_true,
            self.y_pred,
            labels=self.names,
            normalize="true",
            cmap="Blues",
            values_format=".0%",
            xticks_rotation=45,
            colorbar=False,
            ax=ax,
        )
        ax.set_title(f"{self.split.capitalize()}: accuracy {self.report['accuracy']:.1%}")
        return figure


def score_split(model: Any, faces: Faces, split: str) -> Score:
    """Have a model predict a split, and show the per-class table."""
    from sk_fer._cli._models import for_model

    rows = faces.rows(split)
    y_true = faces.target[rows]
    names = _class_names(model, faces, y_true)
    predictor, X = for_model(model, faces.images[rows])
    y_pred = predictor.predict(X)
    score = Score(split, y_true, y_pred, names, frozenset(model.classes_.tolist()))
    accuracy = f"{score.report['accuracy']:.1%}"
    say(f"[bold]{split.capitalize()}[/]: accuracy {accuracy} on {len(rows):,} images")
    console.print(score.table())
    for note in score.notes:
        say(escape(note))
    return score


def _class_names(model: Any, faces: Faces, y_true: NDArray) -> list[str]:
    """Return the classes of the model and of the images, in the order of the data set."""
    known, seen = set(model.classes_.tolist()), set(y_true.tolist())
    if not known & seen:
        raise ValueError(
            f"the model knows {', '.join(map(str, sorted(known)))}, but {faces.source.name} has "
            f"{', '.join(faces.target_names)}: no class in common"
        )
    named = [name for name in faces.target_names if name in known | seen]
    return named + sorted(known - set(named))


def history_figure(model: Any) -> Figure:
    """Draw loss and accuracy after each epoch."""
    from matplotlib.figure import Figure

    from sk_fer.inspection import HistoryDisplay

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    HistoryDisplay.from_estimator(model, ax=figure.subplots(1, 2))
    return figure
