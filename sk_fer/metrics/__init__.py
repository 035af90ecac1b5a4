"""Scores of predictions, their intervals, and a test between two classifiers."""

from sk_fer.metrics._bootstrap import bootstrap_interval
from sk_fer.metrics._mcnemar import mcnemar_test
from sk_fer.metrics._probabilities import expected_calibration_error, top_k_accuracy
from sk_fer.metrics._scorers import SCORERS
from sk_fer.metrics._voters import voter_agreement

__all__ = [
    "SCORERS",
    "bootstrap_interval",
    "expected_calibration_error",
    "mcnemar_test",
    "top_k_accuracy",
    "voter_agreement",
]
