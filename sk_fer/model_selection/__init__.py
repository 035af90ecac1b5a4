"""Splits of images, copies of images across splits, and classifiers side by side."""

from sk_fer.model_selection._compare import compare
from sk_fer.model_selection._duplicates import find_duplicates
from sk_fer.model_selection._splits import assign_splits

__all__ = ["assign_splits", "compare", "find_duplicates"]
