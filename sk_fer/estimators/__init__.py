"""The classifiers: scikit-learn's contract over the networks and the training engine."""

from sk_fer.estimators._cnn import FERCNNClassifier
from sk_fer.estimators._dense import FERDenseClassifier
from sk_fer.estimators._presets import PRESETS, make_classifier

__all__ = ["PRESETS", "FERCNNClassifier", "FERDenseClassifier", "make_classifier"]
