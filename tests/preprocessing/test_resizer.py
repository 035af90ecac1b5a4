import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_fer.preprocessing import ImageResizer


def noise(shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "image_shape", "expected"),
    [
        ((4, 36), None, (4, 12)),
        ((4, 40), (8, 5), (4, 12)),
        ((4, 40), None, (4, 12)),
        ((4, 120), (8, 5, 3), (4, 36)),
        ((4, 8, 5), None, (4, 3, 4)),
        ((4, 8, 5, 1), None, (4, 3, 4, 1)),
        ((4, 8, 5, 3), None, (4, 3, 4, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_layout_and_dtype_are_kept(shape, image_shape, expected, dtype):
    X = noise(shape).astype(dtype)
    resizer = ImageResizer(image_size=(3, 4), image_shape=image_shape)
    resized = resizer.fit_transform(X)
    assert resized.shape == expected
    assert resized.dtype == dtype
    assert resizer.n_features_out_ == np.prod(expected[1:])
    assert len(resizer.get_feature_names_out()) == resizer.n_features_out_


def test_each_image_is_resized_alone_whatever_the_layout():
    images = noise((200, 48, 48))
    resized = ImageResizer(image_size=(24, 20)).fit_transform(images)
    alone = ImageResizer(image_size=(24, 20)).fit_transform(images[150:151])
    assert_array_equal(resized[150:151], alone)
    flat = ImageResizer(image_size=(24, 20)).fit_transform(images.reshape(200, -1))
    assert_array_equal(flat, resized.reshape(200, -1))


def test_floats_agree_with_uint8_to_rounding():
    images = noise((3, 10, 10))
    resizer = ImageResizer(image_size=(7, 4))
    floats = resizer.fit_transform(images.astype(np.float64))
    assert floats.dtype == np.float32
    assert_allclose(resizer.fit_transform(images), floats, atol=1)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((0, 3), r"got image_size=\(0, 3\), expected \(height, width\)"),
        ((3,), r"got image_size=\(3,\), expected \(height, width\)"),
        (("3", "3"), r"expected \(height, width\)"),
        (0, "'image_size' parameter of ImageResizer"),
    ],
)
def test_bad_size(size, message):
    with pytest.raises(ValueError, match=message):
        ImageResizer(image_size=size).fit(np.zeros((2, 9)))
