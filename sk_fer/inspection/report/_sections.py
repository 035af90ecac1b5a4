"""The sections of the report, in their order."""

from __future__ import annotations

from collections.abc import Callable

from sklearn.utils import Bunch

from sk_fer.inspection.report import _about, _faces, _scores
from sk_fer.inspection.report._blocks import Block
from sk_fer.inspection.report._measured import Measured

SECTIONS: dict[str, Callable[[Measured, Bunch], list[Block]]] = {
    "Images": _about.images,
    "Copies of training images": _about.copies,
    "Model": _about.model,
    "Training": _about.training,
    "Scores": _scores.scores,
    "Confusion": _scores.confusion,
    "Probabilities": _scores.probabilities,
    "What predictions depend on": _faces.saliency,
    "Most confident errors": _faces.errors,
    "Suspicious labels": _faces.suspicious_labels,
    "Limits": _about.limits,
    "How to repeat this report": _about.repeat,
}
"""The title of each section, and the function that returns its content or raises an error."""
