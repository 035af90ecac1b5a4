"""Displays of a training and of a comparison; scikit-learn has one for confusion matrices."""

from sk_fer.inspection._comparison import ComparisonDisplay
from sk_fer.inspection._history import HistoryDisplay

__all__ = ["ComparisonDisplay", "HistoryDisplay"]
