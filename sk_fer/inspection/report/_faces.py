"""The sections with faces: saliency, errors and suspicious labels."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from sk_fer.inspection._mistakes import MistakesDisplay
from sk_fer.inspection._saliency import SaliencyDisplay, overlay
from sk_fer.inspection.report._blocks import Block, Face, Faces, Grid, Text, new_figure
from sk_fer.inspection.report._measured import Measured
from sk_fer.model_selection._label_noise import label_issues

_N_FACES = 14


def saliency(measured: Measured, about: Bunch) -> list[Block]:
    """Show on which places the predictions for one image of each class depend."""
    of = measured.of
    rows = of.some_of_each(1, _N_FACES)
    blocks: list[Block] = []
    for method, name in (("occlusion", "Occlusion"), ("grad_cam", "Grad-CAM")):
        figure = new_figure(1, 1)
        try:
            display = SaliencyDisplay.from_estimator(
                of.model, of.X[rows], method=method, n_images=len(rows), ax=figure.subplots()
            )
        except (TypeError, ValueError) as error:
            if method == "occlusion":
                raise
            blocks.append(Text(f"There are no maps of {name}: {str(error).partition(';')[0]}."))
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
        of.images,
        of.labels,
        of.probabilities,
        classes=of.classes,
        n_images=_N_FACES,
        ax=new_figure(1, 1).subplots(),
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
    worst = issues.table[issues.table["is_issue"]].nlargest(_N_FACES, "suspicion")
    blocks: list[Block] = [
        Text(
            f"{issues.summary} cleanlab estimates this from the probabilities of the classifier: "
            "some of these labels are right, and the classifier is wrong. Look at an image before "
            "you leave it out. It can also be unusual for its class, or show several expressions."
        )
    ]
    if len(worst):
        faces = [
            Face.of(of.images[rows[i]], f"is {row['label']}", f"{row['predicted']}?")
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
