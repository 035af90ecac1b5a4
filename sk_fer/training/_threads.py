"""The number of threads of a fit that shares the processor with others."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def at_most_threads(n_threads: int | None) -> Iterator[None]:
    """Compute with fewer threads inside a ``with`` block, if torch would use more.

    Parameters
    ----------
    n_threads : int or None
        The largest number of threads. If None, nothing is changed.

    Yields
    ------
    None
        The number is set until the block ends.

    Examples
    --------
    >>> import torch
    >>> with at_most_threads(1):
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    if n_threads is None or before <= n_threads:
        yield
        return
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
