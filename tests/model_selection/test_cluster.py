"""The data of a search on a Dask cluster, without one."""

import numpy as np
import pytest
from joblib import parallel_config
from joblib._parallel_backends import SequentialBackend

from sk_fer.model_selection._cluster import received, sendable, shared_with_workers


class Backend(SequentialBackend):
    """A backend that has a client, as Dask's."""

    client = object()


@pytest.fixture
def images(tmp_path):
    """A memory map of 10 images."""
    mapped = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.uint8, (10, 4, 4))
    mapped[:] = np.arange(160).reshape(10, 4, 4)
    mapped.flush()
    return mapped


def test_nothing_changes_without_a_cluster(images):
    with shared_with_workers(images):
        assert sendable(images) is images
        assert received(images) is images


def test_a_part_of_a_memory_map_is_sent_as_the_path_of_its_file(images):
    with parallel_config(backend=Backend()):
        for part in (images, images[3:7], images[3:7][1:]):
            sent = sendable(part)
            assert sent.path.endswith("X.npy")
            np.testing.assert_array_equal(received(sent), part)
        # The rows of these are not one block of the file.
        for other in (images[::2], np.array(images), images[[1, 2]]):
            assert sendable(other) is other


def test_another_file_on_the_worker_is_an_error(images, tmp_path):
    with parallel_config(backend=Backend()):
        sent = sendable(images)
    with (tmp_path / "X.npy").open("ab") as file:
        file.write(b"more")
    with pytest.raises(FileNotFoundError, match="worker has no such file or another one"):
        received(sent)
