"""Data of a search on the workers of a Dask cluster."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib.parallel import get_active_backend
from numpy.lib.array_utils import byte_bounds


def cluster_client() -> Any:
    """Return the Dask client of the backend of joblib, or None with another backend."""
    backend, _ = get_active_backend()
    return getattr(backend, "client", None)


@contextmanager
def shared_with_workers(*data: Any) -> Iterator[None]:
    """Send data to each worker of a Dask cluster once, inside a ``with`` block.

    The calls of :class:`joblib.Parallel` in the block refer to the data, if the same objects are
    their arguments. With another backend than "dask", this does nothing.

    Parameters
    ----------
    *data : object
        The arguments of many calls: images, labels, and the rows of the folds.

    Raises
    ------
    ConnectionError
        If the scheduler, or fits on it, are lost in the block.

    Notes
    -----
    joblib sends large arguments to one worker by ``Client.scatter``. If that worker dies, the data
    is lost, and the search fails. Dask also deletes copies of such data on workers that do not
    need them at the moment. Here, the scheduler has a copy, from which Dask replaces lost ones.
    """
    backend, _ = get_active_backend()
    client = cluster_client()
    if client is None:
        yield
        return
    before = backend.data_futures
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        shared = {
            id(each): client.submit(_same, each, pure=False)
            for each in data
            if id(each) not in before  # this block is in another one with the same data
        }
    address = client.scheduler.address
    backend.data_futures = {**before, **shared}
    try:
        yield
    except CancelledError as error:
        raise ConnectionError(
            f"the connection to the Dask scheduler at {address} was lost, or the scheduler lost "
            "the fits; start the cluster again, and repeat the search. If it has a journal, its "
            "finished fits are not repeated"
        ) from error
    finally:
        backend.data_futures = before


def _same(data: Any) -> Any:
    return data


@dataclass(frozen=True)
class MappedFile:
    """A memory map that each process opens by the path of its file."""

    path: str
    dtype: np.dtype
    offset: int
    shape: tuple[int, ...]
    state: tuple[int, int]

    def open(self) -> np.memmap:
        """Return the memory map.

        Raises
        ------
        FileNotFoundError
            If this machine does not have the same file.
        """
        if not os.path.exists(self.path) or _state(self.path) != self.state:
            raise FileNotFoundError(
                f"the images are a memory map of {self.path}, and this worker has no such file or "
                "another one; put it into a folder that all machines share (data_home= of the "
                "loaders), or pass numpy.array(X) to send the images to the workers"
            )
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)


def sendable(X: Any) -> Any:
    """Return what stands for images in the tasks of a Dask cluster.

    Parameters
    ----------
    X : array-like
        The images.

    Returns
    -------
    MappedFile or array-like
        The path of a memory map, which may be larger than the memory. Anything else, and
        memory maps with another backend than "dask", are returned as they are.
    """
    mapped = isinstance(X, np.memmap) and X.filename is not None and X.flags.c_contiguous
    if not mapped or cluster_client() is None:
        return X
    whole = X
    while isinstance(whole.base, np.memmap):  # X may be a part of it
        whole = whole.base
    path = os.fspath(X.filename)
    offset = whole.offset + byte_bounds(X)[0] - byte_bounds(whole)[0]
    return MappedFile(path, X.dtype, offset, X.shape, _state(path))


def received(X: Any) -> Any:
    """Return the images that :func:`sendable` was called with."""
    return X.open() if isinstance(X, MappedFile) else X


def _state(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns
