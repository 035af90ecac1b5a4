import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage.exposure import equalize_hist

from sk_fer.preprocessing import HistogramEqualizer

METHODS = ["global", "adaptive"]


def dim_images(n=6, side=24, n_channels=None):
    """Draw soft slopes of low contrast, with some noise."""
    slope = np.linspace(0, 30, side)
    noise = np.random.default_rng(0).normal(0, 3, (n, side, side))
    images = 90 + slope[:, np.newaxis] + slope + noise
    images = images.astype(np.uint8)
    return images if n_channels is None else np.stack([images] * n_channels, axis=-1)


def noise_images():
    return np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("n_channels", [None, 1, 3])
def test_layout_dtype_and_range(method, dtype, n_channels):
    X = dim_images(n_channels=n_channels).astype(dtype)
    result = HistogramEqualizer(method).fit_transform(X)
    assert result.shape == X.shape
    assert result.dtype == dtype
    highest = 255 if dtype == np.uint8 else 1
    assert result.min() >= 0
    assert result.max() <= highest
    assert result.std() / highest > 1.2 * X.std() / 255


@pytest.mark.parametrize("method", METHODS)
def test_flat_rows_images_and_channels_agree(method):
    X = dim_images()
    equalizer = HistogramEqualizer(method)
    result = equalizer.fit_transform(X)
    assert_array_equal(equalizer.fit_transform(X.reshape(6, -1)), result.reshape(6, -1))
    stacked = equalizer.fit_transform(np.stack([X, X[::-1]], axis=-1))
    assert_array_equal(stacked[..., 0], result)
    assert_array_equal(stacked[..., 1], result[::-1])


def test_global_is_a_growing_map_and_evens_the_histogram():
    X = dim_images(n=1, side=48)
    result = HistogramEqualizer().fit_transform(X)
    pairs = np.unique(np.stack([X.ravel(), result.ravel()]), axis=1)
    assert (np.diff(pairs[1].astype(int)) >= 0).all()
    assert result.min() == 0
    assert result.max() == 255
    assert_allclose(np.quantile(result, [0.25, 0.5, 0.75]), [64, 128, 191], atol=8)


def test_global_agrees_with_scikit_image():
    X = noise_images()
    expected = [255 * equalize_hist(image) for image in X]
    assert_allclose(HistogramEqualizer().fit_transform(X), expected, atol=3)


@pytest.mark.parametrize("method", METHODS)
def test_floats_agree_with_uint8_that_fill_the_range(method):
    X = noise_images()
    X[:, 0, :2] = 0, 255
    equalizer = HistogramEqualizer(method)
    expected = equalizer.fit_transform(X)
    for floats in (X / 255, X.astype(float), X * 1e4 - 5e5):
        assert_allclose(255 * equalizer.fit_transform(floats), expected, atol=0.51)


def slow_adaptive(image, tile, clip_limit):
    """Interpolate between the maps of the tiles, pixel by pixel."""
    n_tiles = len(image) // tile
    maps = {}
    for i in range(n_tiles):
        for j in range(n_tiles):
            block = image[i * tile : (i + 1) * tile, j * tile : (j + 1) * tile]
            shares = np.bincount(block.ravel(), minlength=256) / block.size
            clipped = np.minimum(shares, clip_limit)
            maps[i, j] = np.cumsum(clipped + (shares - clipped).sum() / 256)
    result = np.zeros(image.shape)
    for y, x in np.ndindex(*image.shape):
        for i in range(n_tiles):
            for j in range(n_tiles):
                at_edge_y = np.clip((y + 0.5) / tile - 0.5, 0, n_tiles - 1)
                at_edge_x = np.clip((x + 0.5) / tile - 0.5, 0, n_tiles - 1)
                weight = max(0, 1 - abs(at_edge_y - i)) * max(0, 1 - abs(at_edge_x - j))
                result[y, x] += weight * maps[i, j][image[y, x]]
    return result


@pytest.mark.parametrize("clip_limit", [0.01, 0.1, 1.0])
def test_adaptive_agrees_with_the_slow_way(clip_limit):
    X = dim_images(n=2)
    result = HistogramEqualizer("adaptive", clip_limit=clip_limit, kernel_size=(8, 8))
    expected = [255 * slow_adaptive(image, 8, clip_limit) for image in X]
    assert_allclose(result.fit_transform(X), expected, atol=0.51)


def test_adaptive_contrast_grows_with_the_limit():
    X = dim_images()
    spreads = [
        HistogramEqualizer("adaptive", clip_limit=limit).fit_transform(X).std()
        for limit in (0.001, 0.01, 0.03, 1.0)
    ]
    assert (np.diff(spreads) > 0).all()


@pytest.mark.parametrize("kernel_size", [(1, 1), (5, 7), 24, (100, 3)])
def test_adaptive_accepts_tiles_that_do_not_divide_the_image(kernel_size):
    result = HistogramEqualizer("adaptive", kernel_size=kernel_size).fit_transform(dim_images())
    assert result.shape == (6, 24, 24)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_constant_image_becomes_zero_globally_and_stays_flat_adaptively(dtype):
    X = np.full((2, 16), 100, dtype=dtype)
    assert_array_equal(HistogramEqualizer().fit_transform(X), np.zeros_like(X))
    assert np.ptp(HistogramEqualizer("adaptive").fit_transform(X)) == 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "clahe"}, "'method' parameter of HistogramEqualizer"),
        ({"clip_limit": 0}, "'clip_limit' parameter of HistogramEqualizer"),
        ({"clip_limit": 2.0}, "'clip_limit' parameter of HistogramEqualizer"),
        ({"kernel_size": 8.0}, "'kernel_size' parameter of HistogramEqualizer"),
        ({"kernel_size": (8, 0)}, r"got kernel_size=\(8, 0\), expected \(height, width\)"),
    ],
)
def test_bad_parameter(parameters, message):
    with pytest.raises(ValueError, match=message):
        HistogramEqualizer(**parameters).fit(np.zeros((2, 16)))
