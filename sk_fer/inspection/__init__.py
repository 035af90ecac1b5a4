"""Displays of images, models and trainings, scores of each class, and a report on a model."""

from sk_fer.inspection._annotate import annotate_faces
from sk_fer.inspection._class_report import class_report
from sk_fer.inspection._comparison import ComparisonDisplay
from sk_fer.inspection._contact_sheet import ContactSheetDisplay
from sk_fer.inspection._embedding import EmbeddingDisplay
from sk_fer.inspection._faces import FacesDisplay
from sk_fer.inspection._history import HistoryDisplay
from sk_fer.inspection._mistakes import MistakesDisplay
from sk_fer.inspection._saliency import SaliencyDisplay
from sk_fer.inspection._search import SearchDisplay
from sk_fer.inspection.report import write_report

__all__ = [
    "ComparisonDisplay",
    "ContactSheetDisplay",
    "EmbeddingDisplay",
    "FacesDisplay",
    "HistoryDisplay",
    "MistakesDisplay",
    "SaliencyDisplay",
    "SearchDisplay",
    "annotate_faces",
    "class_report",
    "write_report",
]
