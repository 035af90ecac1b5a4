"""Data of a search on the workers of a Dask cluster."""

import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from joblib.parallel import get_active_backend


@contextmanager
def shared_with_workers(*data: Any) -> Iterator[None]:
    """Send data to each worker of a Dask cluster once, inside a ``with`` block.

    The calls of :class:`joblib.Parallel` in the block refer to the data, if the same objects are
    their arguments. With another backend than "dask", this does nothing.

    Parameters
    ----------
    *data : object
        The arrays that are arguments of many calls: images, labels, and the rows of the folds.

    Raises
    ------
    ConnectionError
        If the connection to the scheduler is lost in the block.

    Notes
    -----
    joblib sends large arguments to one worker by ``Client.scatter``. If that worker dies, the data
    is lost, and the search fails. Dask also deletes copies of such data on workers that do not
    need them at the moment. Here, the scheduler has a copy, from which Dask replaces lost ones.
    """
    backend, _ = get_active_backend()
    client = getattr(backend, "client", None)
    if client is None:
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        shared = {id(each): client.submit(_same, each, pure=False) for each in data}
    before, address = backend.data_futures, client.scheduler.address
    backend.data_futures = {**before, **shared}
    try:
        yield
    except CancelledError as error:
        raise ConnectionError(
            f"the connection to the Dask scheduler at {address} was lost, or the scheduler lost "
            "the fits; start the cluster again, and repeat the search"
        ) from error
    finally:
        backend.data_futures = before


def _same(data: Any) -> Any:
    return data
