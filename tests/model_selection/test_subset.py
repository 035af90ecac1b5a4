"""A share of the images of each class."""

import numpy as np
import pytest

from sk_fer.model_selection import stratified_subset

Y = np.random.default_rng(0).permutation(np.repeat(["a", "b", "c"], [40, 9, 1]))


def test_each_class_has_its_share_and_one_image_at_least():
    rows = stratified_subset(Y, 0.1)
    assert np.unique(Y[rows], return_counts=True)[1].tolist() == [4, 1, 1]
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(stratified_subset(Y, 1.0), np.arange(50))


def test_the_seed_decides():
    one, again, other = (stratified_subset(Y, 0.5, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("fraction", [0, 1.1, float("nan"), True])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(ValueError, match="The 'fraction' parameter"):
        stratified_subset(Y, fraction)
