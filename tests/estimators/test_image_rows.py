"""Fits and predictions on some rows of an array, which are not copied."""

import numpy as np
import pytest

from sk_fer._utils._image_rows import ImageRows
from tests.helpers import assert_same_fit, cnn, dense

ROWS = np.random.default_rng(0).permutation(70)[:50]


@pytest.mark.parametrize(
    "model",
    [dense(normalize="dataset"), dense(validation_fraction=0.3), cnn(max_epochs=1)],
    ids=["statistics", "validation", "cnn"],
)
def test_rows_are_fitted_as_their_copy_is(small, model):
    X, y = small
    model.fit(ImageRows(X, ROWS), y[ROWS])
    copied = type(model)(**model.get_params(deep=False)).fit(X[ROWS], y[ROWS])
    assert_same_fit(model, copied)
    others = np.arange(40, 70)
    np.testing.assert_array_equal(
        model.predict_proba(ImageRows(X, others)), copied.predict_proba(X[others])
    )


def test_weights_and_groups_belong_to_the_rows(small):
    X, y = small
    weight = (np.arange(50) % 3).astype(float)
    groups = np.arange(50) // 2
    fits = [
        dense(validation_fraction=0.3).fit(images, y[ROWS], weight, groups=groups)
        for images in (ImageRows(X, ROWS), X[ROWS])
    ]
    assert_same_fit(*fits)


def test_a_label_for_each_image_instead_of_each_row_is_refused(small):
    X, y = small
    with pytest.raises(ValueError, match="X has 50 and y has 70"):
        dense().fit(ImageRows(X, ROWS), y)


def test_all_others_see_an_array(small):
    X, _ = small
    rows = ImageRows(X, ROWS)
    assert rows.shape == (50, 24, 24)
    np.testing.assert_array_equal(np.asarray(rows, dtype=float), X[ROWS])
    np.testing.assert_array_equal(rows[3], X[ROWS[3]])
    np.testing.assert_array_equal(rows[5:, 0], X[ROWS][5:, 0])
    with pytest.raises(ValueError, match="cannot be converted to an array without a copy"):
        np.array(rows, copy=False)
