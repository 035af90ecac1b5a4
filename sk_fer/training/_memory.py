"""Memory that is kept for the next batch instead of being returned to the system."""

import ctypes
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
NEVER_TRIM = 2**31 - 1
# The values to which glibc adapts itself after a program has freed a large block.
USUAL = {M_MMAP_MAX: 65536, M_MMAP_THRESHOLD: 32 * 2**20, M_TRIM_THRESHOLD: 64 * 2**20}

_lock = threading.Lock()
_users = 0


@contextmanager
def reuse_memory() -> Iterator[None]:
    """Keep freed memory in the process inside a ``with`` block, and release it at the end.

    A training step frees its activations, and the next one allocates the same sizes again. By
    default, glibc maps large blocks each time, and the system fills each new page with zeros,
    which can take longer than the computation. Without glibc, this does nothing.

    Notes
    -----
    The setting applies to the process, so that the memory of other threads is kept, too.
    """
    global _users
    libc = _glibc()
    if libc is None:
        yield
        return
    with _lock:
        _users += 1
        if _users == 1:
            libc.mallopt(M_MMAP_MAX, 0)
            libc.mallopt(M_TRIM_THRESHOLD, NEVER_TRIM)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                for option, value in USUAL.items():
                    libc.mallopt(option, value)
                libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL("libc.so.6") if platform.libc_ver()[0] == "glibc" else None
