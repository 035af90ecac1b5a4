import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_fer.datasets import make_faces
from sk_fer.datasets._names import FER2013_EXPRESSIONS


@pytest.fixture(scope="module")
def faces():
    return make_faces(1000, return_X_y=False, random_state=0)


def test_returns_flat_uint8_images_and_class_names():
    X, y = make_faces(30, random_state=0)
    assert X.shape == (30, 48 * 48)
    assert X.dtype == np.uint8
    assert y.shape == (30,)
    assert set(y) == set(FER2013_EXPRESSIONS)


def test_the_bunch_contains_the_same_faces():
    X, y = make_faces(30, random_state=0)
    bunch = make_faces(30, return_X_y=False, random_state=0)
    np.testing.assert_array_equal(bunch.data, X)
    np.testing.assert_array_equal(bunch.target, y)
    assert bunch.images.shape == (30, 48, 48)
    assert np.shares_memory(bunch.images, bunch.data)
    assert bunch.target_names == sorted(FER2013_EXPRESSIONS)
    assert bunch.DESCR.startswith("Draw gray faces")


def test_equal_random_states_give_equal_bits():
    X, y = make_faces(40, random_state=1)
    again, y_again = make_faces(40, random_state=np.random.RandomState(1))
    np.testing.assert_array_equal(X, again)
    np.testing.assert_array_equal(y, y_again)


def test_faces_differ_across_random_states_and_within_a_call():
    X, _ = make_faces(40, random_state=1)
    other, _ = make_faces(40, random_state=2)
    assert len(np.unique(np.vstack([X, other]), axis=0)) == 80


def test_global_random_state_is_not_changed():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.uniform()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    make_faces(5, random_state=0)
    assert np.random.uniform() == expected  # noqa: NPY002


@pytest.mark.parametrize("n_samples", [1, 7, 100])
def test_classes_are_balanced(n_samples):
    _, y = make_faces(n_samples, random_state=0)
    counts = [np.sum(y == name) for name in FER2013_EXPRESSIONS]
    assert sum(counts) == n_samples
    assert max(counts) - min(counts) <= 1


def test_classes_are_shuffled(faces):
    same_as_before = np.mean(faces.target[1:] == faces.target[:-1])
    assert 0.08 < same_as_before < 0.21


def test_image_size_scales_the_drawing():
    small, _ = make_faces(20, image_size=24, noise=0, random_state=0)
    large, _ = make_faces(20, image_size=96, noise=0, random_state=0)
    shrunk = large.reshape(20, 24, 4, 24, 4).mean(axis=(2, 4)).reshape(20, -1)
    assert np.abs(shrunk - small).mean() < 8


def test_noise_is_a_share_of_the_range():
    clean, _ = make_faces(30, noise=0, random_state=0)
    noisy, _ = make_faces(30, noise=0.1, random_state=0)
    unclipped = (clean > 100) & (clean < 155)
    deviation = np.std(noisy[unclipped].astype(float) - clean[unclipped]) / 255
    assert deviation == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(("occlusion", "share"), [(0, 0.0), (0.5, 0.5), (1, 1.0)])
def test_occlusion_is_the_share_of_changed_faces(occlusion, share):
    clear, _ = make_faces(100, noise=0, occlusion=0, random_state=0)
    occluded, _ = make_faces(100, noise=0, occlusion=occlusion, random_state=0)
    changed = np.any(clear != occluded, axis=1)
    assert np.mean(changed) == pytest.approx(share, abs=0.12)


def test_images_use_the_gray_range(faces):
    assert faces.images.min() < 20
    assert faces.images.max() > 235
    assert faces.images.std(axis=(1, 2)).min() > 4


def test_linear_model_is_above_chance_but_limited(faces):
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=3e3))
    accuracy = model.fit(faces.data[:700], faces.target[:700]).score(
        faces.data[700:], faces.target[700:]
    )
    assert 0.22 < accuracy < 0.6
