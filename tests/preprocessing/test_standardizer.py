import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import StandardScaler

from sk_fer.preprocessing import ImageStandardizer

METHODS = ["image", "dataset", "minmax"]
X = np.random.default_rng(0).integers(20, 200, (500, 2304), dtype=np.uint8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(500, 2304), (500, 48, 48), (500, 48, 48, 1), (500, 32, 24, 3)])
def test_layout_is_kept_and_result_is_float32(method, shape):
    standardizer = ImageStandardizer(method)
    result = standardizer.fit_transform(X.reshape(shape))
    assert result.dtype == np.float32
    assert result.shape == shape
    assert_array_equal(result.reshape(500, -1), standardizer.fit_transform(X))


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_image_has_zero_mean_and_unit_variance(dtype):
    result = ImageStandardizer().fit_transform(X.astype(dtype))
    assert_allclose(result.mean(axis=1), 0, atol=1e-5)
    assert_allclose(result.std(axis=1), 1, rtol=1e-5)


def test_minmax_fills_zero_to_one():
    result = ImageStandardizer("minmax").fit_transform(X)
    assert_array_equal(result.min(axis=1), 0)
    assert_array_equal(result.max(axis=1), 1)


def test_dataset_agrees_with_standard_scaler():
    standardizer = ImageStandardizer("dataset").fit(X[:300])
    expected = StandardScaler().fit(X[:300]).transform(X[300:])
    assert_allclose(standardizer.transform(X[300:]), expected, atol=1e-5)
    assert standardizer.mean_.shape == standardizer.scale_.shape == (48, 48, 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0, 7, 0.1, 1 / 3, 1e6, -1e-6])
def test_what_is_constant_becomes_zero(method, value):
    constant = np.full((300, 2304), value)
    assert_array_equal(ImageStandardizer(method).fit_transform(constant), 0)


def test_input_is_not_changed():
    floats = X[:5].astype(np.float32)
    for method in METHODS:
        ImageStandardizer(method).fit_transform(floats)
    assert_array_equal(floats, X[:5])


@pytest.mark.parametrize("method", METHODS)
def test_memory_stays_near_the_result(method, tmp_path):
    np.save(tmp_path / "X.npy", np.tile(X, (8, 1)))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    standardizer = ImageStandardizer(method)
    tracemalloc.start()
    try:
        standardizer.fit(mapped)
        fit_peak = tracemalloc.get_traced_memory()[1]
        result = standardizer.transform(mapped)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fit_peak < mapped.nbytes
    assert peak < 1.2 * result.nbytes


def test_unknown_method():
    with pytest.raises(ValueError, match="'method' parameter of ImageStandardizer"):
        ImageStandardizer("zca").fit(X)
