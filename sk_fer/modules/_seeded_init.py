"""Initialization of layers that neither depends on torch's global random state nor changes it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# The initial weights come from the generator that all threads of a process share.
_one_at_a_time = threading.Lock()


@contextmanager
def seeded_init(seed: int = 0) -> Iterator[None]:
    """Seed torch's global generator inside a ``with`` block, and restore it afterwards.

    Other threads wait until the block ends before they enter one.

    Parameters
    ----------
    seed : int, default=0
        The seed. It has no effect on layers whose weights are replaced afterwards.

    Yields
    ------
    None
        Layers that are created in the block have the initial weights of this seed.

    Examples
    --------
    >>> import torch
    >>> from sk_fer.modules import seeded_init
    >>> with seeded_init(0):
    ...     first = torch.nn.Linear(2, 2)
    >>> with seeded_init(0):
    ...     second = torch.nn.Linear(2, 2)
    >>> torch.equal(first.weight, second.weight)
    True
    """
    with _one_at_a_time, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
