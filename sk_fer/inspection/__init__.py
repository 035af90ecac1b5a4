"""Pictures of what was learnt. For confusion matrices scikit-learn has its own display."""

from sk_fer.inspection._comparison import ComparisonDisplay
from sk_fer.inspection._history import HistoryDisplay

__all__ = ["ComparisonDisplay", "HistoryDisplay"]
