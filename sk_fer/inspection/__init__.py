"""Displays of images, errors, a training and a comparison, and the scores of each class."""

from sk_fer.inspection._class_report import class_report
from sk_fer.inspection._comparison import ComparisonDisplay
from sk_fer.inspection._contact_sheet import ContactSheetDisplay
from sk_fer.inspection._embedding import EmbeddingDisplay
from sk_fer.inspection._faces import FacesDisplay
from sk_fer.inspection._history import HistoryDisplay
from sk_fer.inspection._mistakes import MistakesDisplay
from sk_fer.inspection._saliency import SaliencyDisplay

__all__ = [
    "ComparisonDisplay",
    "ContactSheetDisplay",
    "EmbeddingDisplay",
    "FacesDisplay",
    "HistoryDisplay",
    "MistakesDisplay",
    "SaliencyDisplay",
    "class_report",
]
