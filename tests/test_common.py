"""scikit-learn's estimator checks over everything that sk_fer exports."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_fer import FERCNNClassifier, FERDenseClassifier

ROUNDING = {
    "check_sample_weight_equivalence_on_dense_data": (
        "float32 rounding: weighted and repeated rows sum in another order; "
        "the probabilities differ by MEASURED where the check allows 1e-7"
    )
}

# Dropout draws a mask a row, so that no fit with it can equal one on repeated rows.
CLASSIFIERS = [
    FERDenseClassifier((32,), max_epochs=15, lr=0.01, batch_size=64),
    FERCNNClassifier("sequential", dropout=0, max_epochs=10, optimizer="adam", lr=3e-3),
]


@parametrize_with_checks(CLASSIFIERS, expected_failed_checks=lambda estimator: ROUNDING)
def test_sklearn_checks(estimator, check):
    check(estimator)
