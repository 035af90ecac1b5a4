"""What to know of scores: copies of images across splits, and classifiers side by side."""

from sk_fer.model_selection._compare import compare
from sk_fer.model_selection._duplicates import find_duplicates

__all__ = ["compare", "find_duplicates"]
