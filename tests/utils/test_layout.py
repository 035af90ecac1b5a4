import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_fer._utils._layout import (
    Layout,
    check_image_shape,
    check_size,
    from_images,
    infer_image_shape,
    to_images,
)


@pytest.mark.parametrize(
    ("n_features", "image_shape", "expected"),
    [
        (2304, None, (48, 48, 1)),
        (1, None, (1, 1, 1)),
        (10, None, (1, 10, 1)),
        (6912, None, (1, 6912, 1)),
        (10, (2, 5), (2, 5, 1)),
        (30, (2, 5, 3), (2, 5, 3)),
        (30, [2, 5, 3], (2, 5, 3)),
    ],
)
def test_infer_image_shape(n_features, image_shape, expected):
    assert infer_image_shape(n_features, image_shape) == expected


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((48, 47), r"got image_shape=\(48, 47\), which has 2256 values, but X has 2304"),
        ((48, 48, 3), "6912 values, but X has 2304 features"),
        ((2304,), r"got image_shape=\(2304,\), expected \(height, width\)"),
        ((1, 1, 48, 48), r"expected \(height, width\)"),
        ((-48, -48), "each at least 1"),
        ((), "expected"),
    ],
)
def test_infer_image_shape_refuses(image_shape, message):
    with pytest.raises(ValueError, match=message):
        infer_image_shape(2304, image_shape)


@pytest.mark.parametrize(
    ("shape", "image_shape", "expected", "layout"),
    [
        ((5, 16), None, (5, 4, 4, 1), Layout.FLAT),
        ((5, 12), (2, 6), (5, 2, 6, 1), Layout.FLAT),
        ((5, 12), (2, 2, 3), (5, 2, 2, 3), Layout.FLAT),
        ((5, 3, 4), None, (5, 3, 4, 1), Layout.GRAY),
        ((5, 3, 4, 3), None, (5, 3, 4, 3), Layout.CHANNELS),
        ((5, 3, 4, 3), (3, 4, 3), (5, 3, 4, 3), Layout.CHANNELS),
        ((0, 16), None, (0, 4, 4, 1), Layout.FLAT),
    ],
)
def test_round_trip_is_a_view(shape, image_shape, expected, layout):
    X = np.arange(np.prod(shape)).reshape(shape)
    images, found = to_images(X, image_shape)
    assert images.shape == expected
    assert found is layout
    back = from_images(images, found)
    assert_array_equal(back, X)
    assert X.size == 0 or (np.shares_memory(images, X) and np.shares_memory(back, X))


@pytest.mark.parametrize(
    ("layout", "expected"),
    [(Layout.FLAT, (5, 42)), (Layout.GRAY, (5, 6, 7)), (Layout.CHANNELS, (5, 6, 7, 1))],
)
def test_from_images_of_another_size(layout, expected):
    assert from_images(np.zeros((5, 6, 7, 1)), layout).shape == expected


def test_memory_map_is_not_read(tmp_path):
    np.save(tmp_path / "X.npy", np.zeros((4, 9), dtype=np.uint8))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    images, _ = to_images(X)
    assert isinstance(images, np.memmap)
    assert np.shares_memory(images, X)


@pytest.mark.parametrize(
    ("shape", "image_shape", "message"),
    [
        ((4,), None, r"got X of shape \(4,\), expected flat rows"),
        ((4, 3, 3, 1, 1), None, "expected flat rows"),
        ((4, 9), (2, 4), "8 values, but X has 9 features"),
        ((4, 3, 8, 8), None, r"looks like channels first; expected \(n, h, w, c\), as np"),
        ((4, 3, 4), (4, 3), r"got images of shape \(3, 4, 1\), expected \(4, 3, 1\)"),
    ],
)
def test_to_images_refuses(shape, image_shape, message):
    with pytest.raises(ValueError, match=message):
        to_images(np.zeros(shape), image_shape)


def test_one_number_is_the_side_of_a_square():
    assert check_size(6, "size") == (6, 6)
    assert check_size([6, np.int64(4)], "size") == (6, 4)
    assert check_image_shape(6) == (6, 6, 1)
    assert check_image_shape((6, 4, 3)) == (6, 4, 3)


@pytest.mark.parametrize("size", [0, True, (6,), (6, 4, 3), (6, -4), (6, 4.0), ()])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=r"got size=.*, expected \(height, width\), each a whole"):
        check_size(size, "size")
