"""Facial expression recognition with scikit-learn estimators."""

__version__ = "0.1.0"

from sk_fer.estimators import FERCNNClassifier, FERDenseClassifier, make_classifier

__all__ = ["FERCNNClassifier", "FERDenseClassifier", "__version__", "make_classifier"]
