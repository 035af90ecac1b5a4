"""Displays of a data set, a training and a comparison, and the scores of each class."""

from sk_fer.inspection._class_report import class_report
from sk_fer.inspection._comparison import ComparisonDisplay
from sk_fer.inspection._contact_sheet import ContactSheetDisplay
from sk_fer.inspection._history import HistoryDisplay

__all__ = [
    "ComparisonDisplay",
    "ContactSheetDisplay",
    "HistoryDisplay",
    "class_report",
]
