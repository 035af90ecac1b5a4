"""Descriptions and splits of images, copies of images across splits, searches and comparisons."""

from sk_fer.model_selection._comparable import make_classifiers
from sk_fer.model_selection._compare import compare
from sk_fer.model_selection._describe import describe_faces
from sk_fer.model_selection._duplicates import find_duplicates
from sk_fer.model_selection._grid_search_cv import FERGridSearchCV
from sk_fer.model_selection._halving import FERHalvingSearchCV
from sk_fer.model_selection._label_noise import find_label_issues
from sk_fer.model_selection._leaks import deduplicate, leak_report
from sk_fer.model_selection._learning_curve import learning_curve
from sk_fer.model_selection._search import grid_search
from sk_fer.model_selection._splits import make_splits
from sk_fer.model_selection._subset import stratified_subset

__all__ = [
    "FERGridSearchCV",
    "FERHalvingSearchCV",
    "compare",
    "deduplicate",
    "describe_faces",
    "find_duplicates",
    "find_label_issues",
    "grid_search",
    "leak_report",
    "learning_curve",
    "make_classifiers",
    "make_splits",
    "stratified_subset",
]
