"""Batches: each sample once, equal sizes, memory maps, subsets without copies."""

import numpy as np
import pytest
import torch

from sk_fer.training import BatchIterator, FaceDataset


@pytest.fixture
def images():
    return np.arange(11 * 4, dtype=np.uint8).reshape(11, 2, 2, 1)


def test_every_sample_once_in_batches_of_even_size(images):
    order = np.random.default_rng(0).permutation(11)
    batches = list(BatchIterator(FaceDataset(images, np.arange(11)), 5, order=lambda n: order))
    assert [len(target) for _, target in batches] == [4, 4, 3]
    np.testing.assert_array_equal(torch.cat([target for _, target in batches]), order)
    seen = torch.cat([inputs["images"] for inputs, _ in batches])
    np.testing.assert_array_equal(seen, images[order])
    assert seen.dtype == torch.uint8


def test_a_subset_reads_through_to_the_images(images):
    dataset = FaceDataset(images, np.arange(11), np.ones(11, np.float32))
    part = dataset.subset(np.array([8, 2, 5])).subset(np.array([2, 0]))
    assert part.X is images
    assert len(part) == 2
    np.testing.assert_array_equal(part.y, [5, 8])
    np.testing.assert_array_equal(part.images([0, 1]), images[[5, 8]])


def test_a_read_only_memory_map_is_read_batch_by_batch(images, tmp_path):
    np.save(tmp_path / "x.npy", images)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    ((inputs, target),) = BatchIterator(FaceDataset(mapped), 16)
    np.testing.assert_array_equal(inputs["images"], images)
    assert target is None


def test_channel_statistics_are_weighted():
    rng = np.random.default_rng(0)
    images = rng.normal(5, 3, (6, 4, 4, 2)).astype(np.float32)
    times = np.array([1, 0, 2, 1, 3, 0])
    mean, std = FaceDataset(images, sample_weight=times.astype(np.float32)).channel_statistics()
    repeated = images.repeat(times, axis=0).astype(np.float64)
    np.testing.assert_allclose(mean, repeated.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(std, repeated.std((0, 1, 2)), rtol=1e-5)


def test_a_constant_channel_is_not_divided_by_zero():
    _, std = FaceDataset(np.full((3, 2, 2, 1), 9, np.uint8)).channel_statistics()
    assert std.tolist() == [1.0]
