"""Tables and figures of the data and of the scores of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.markup import escape
from rich.table import Table
from sklearn.utils import Bunch

from sk_fer._cli._console import console, say
from sk_fer.datasets import match_classes
from sk_fer.datasets._declared import DATA_SETS
from sk_fer.datasets._names import SUBSETS
from sk_fer.estimators._model_images import prepare_images
from sk_fer.inspection import class_report
from sk_fer.model_selection import find_duplicates, leak_report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sk_fer._cli._data import Faces


def show_faces(faces: Faces) -> None:
    """Print what was read: images, classes, splits, copies and skipped images."""
    height, width = faces.images.shape[1:3]
    splits = [split for split in SUBSETS if split in faces.splits]
    say(
        f"[bold]{escape(faces.source.name)}[/]: {len(faces.images):,} images of "
        f"{height} x {width} pixels in {len(faces.target_names)} classes"
    )
    show_format(faces.format)
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
        say(escape(f"Skipped {len(faces.skipped):,} bad images. The first is {place}: {reason}"))


def show_format(name: str) -> None:
    """Print which data set or format was read, and which protocol it follows."""
    if name in DATA_SETS:
        data_set = DATA_SETS[name]
        say(f"Format: {data_set.title} ({name}). Protocol: {data_set.protocol}.")


@dataclass(frozen=True)
class Score:
    """The predictions of a classifier for the images of a split, and their scores."""

    split: str
    y_true: NDArray
    y_pred: NDArray
    report: Bunch

    @property
    def notes(self) -> list[str]:
        """Notes on classes without images, and on classes that the model does not know."""
        notes = []
        absent, unknown = self.report.absent, self.report.unknown
        if absent:
            notes.append(
                f"The means exclude classes without images: {', '.join(map(str, absent))}."
            )
        if unknown:
            n_images = int(np.isin(self.y_true, unknown).sum())
            notes.append(
                f"The model does not know {', '.join(map(str, unknown))}; images of these classes "
                f"count as wrong ({n_images:,})."
            )
        return notes

    def table(self) -> Table:
        """Return precision, recall and F1 of each class."""
        table = Table(box=box.SIMPLE, show_footer=True, footer_style="bold")
        table.add_column("class", footer="mean")
        for measure, mean in self.report.means.items():
            title = measure.removesuffix("-score")
            table.add_column(title, footer=f"{mean:.3f}", justify="right")
        table.add_column("images", footer=f"{len(self.y_true):,}", justify="right")
        for name, row in self.report.table.iterrows():
            scores = (row[measure] for measure in self.report.means)
            numbers = ["-" if np.isnan(score) else f"{score:.3f}" for score in scores]
            table.add_row(escape(str(name)), *numbers, f"{row['support']:,.0f}")
        return table

    def figure(self) -> Figure:
        """Draw the confusion matrix, normalized over each true class."""
        from matplotlib.figure import Figure
        from sklearn.metrics import ConfusionMatrixDisplay

        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        ax = figure.subplots()
        ConfusionMatrixDisplay.from_predictions(
            self.y_true,
            self.y_pred,
            labels=self.report.table.index.tolist(),
            normalize="true",
            cmap="Blues",
            values_format=".0%",
            xticks_rotation=45,
            colorbar=False,
            ax=ax,
        )
        ax.set_title(f"{self.split.capitalize()}: accuracy {self.report.accuracy:.1%}")
        return figure


def rows_to_score(
    model: Any, faces: Faces, split: str, *, other_data: bool
) -> tuple[NDArray[np.intp], list[str]]:
    """Return the rows of a split, and notes on what is left out.

    With `other_data`, images of classes that the model does not know are left out.
    """
    rows = faces.rows(split)
    known = model.classes_.tolist()
    y_true, is_known = match_classes(faces.target[rows], known)
    if not is_known.any():
        raise ValueError(
            f"the model has the classes {', '.join(map(str, known))}, but {faces.source.name} has "
            f"{', '.join(faces.target_names)}: no class in common"
        )
    if not other_data or is_known.all():
        return rows, []
    names = ", ".join(
        f"{name} ({count:,})"
        for name, count in zip(*np.unique(y_true[~is_known], return_counts=True), strict=True)
    )
    note = f"Images of classes that the model does not know are left out: {names}."
    return rows[is_known], [note]


def score_split(model: Any, faces: Faces, split: str, *, other_data: bool = False) -> Score:
    """Predict the images of a split, and print the scores of each class.

    With `other_data`, which is not that of the training, classes are matched by name, and images of
    classes that the model does not know are left out.
    """
    known = model.classes_.tolist()
    rows, notes = rows_to_score(model, faces, split, other_data=other_data)
    y_true, _ = match_classes(faces.target[rows], known)
    predictor, X = prepare_images(model, faces.images_of(rows))
    y_pred = predictor.predict(X)
    labels = list(dict.fromkeys(match_classes(faces.target_names, known)[0].tolist()))
    labels = [name for name in labels if not other_data or name in known]
    report = class_report(y_true, y_pred, classes=known, labels=labels)
    score = Score(split, y_true, y_pred, report)
    accuracy = f"{report.accuracy:.1%}"
    say(f"[bold]{split.capitalize()}[/]: accuracy {accuracy} on {len(rows):,} images")
    console.print(score.table())
    n_absent = int(np.isin(y_pred, report.absent).sum())
    if other_data and n_absent:
        number = "One image is" if n_absent == 1 else f"{n_absent:,} images are"
        notes.append(f"{number} predicted as a class that the data does not have.")
    for note in [*score.notes, *notes]:
        say(escape(note))
    return score


def show_leaks(faces: Faces, score: Score, *, known: bool) -> None:
    """Print how many images are copies of training images, and the accuracy without them.

    Nothing is printed if the model was not trained on this data (`known` is False), or if the
    images are not those of one split besides training.
    """
    if not known or score.split not in ("validation", "test"):
        return
    train, test = (
        Bunch(images=faces.images_of(rows), target=faces.target[rows])
        for rows in map(faces.rows, ("train", score.split))
    )
    leaks = leak_report(train, test)
    say(leaks.summary)
    rest = ~leaks.leaked
    if leaks.leaked.any() and rest.any():
        accuracy = (score.y_true == score.y_pred)[rest].mean()
        say(f"Accuracy without them: {accuracy:.1%} on {rest.sum():,} images")


def history_figure(model: Any) -> Figure:
    """Draw the loss and the accuracy of each epoch."""
    from matplotlib.figure import Figure

    from sk_fer.inspection import HistoryDisplay

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    HistoryDisplay.from_estimator(model, ax=figure.subplots(1, 2))
    return figure
