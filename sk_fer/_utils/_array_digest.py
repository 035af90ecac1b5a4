"""Checksums of arrays, also of memory maps."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sk_fer._utils._digest import block_digests, digest
from sk_fer._utils._mapped import MappedPages

_BLOCK = 1 << 24


def checksum(*arrays: NDArray | None) -> str | None:
    """Return a checksum of arrays with their types and shapes, or None without arrays.

    Parameters
    ----------
    *arrays : ndarray or None
        The arrays, also memory maps.

    Returns
    -------
    str or None
        32 hexadecimal digits.
    """
    parts: list[bytes | str] = []
    for array in arrays:
        if array is None:
            continue
        parts.append(f"{array.dtype.str} {array.shape}")
        pages = MappedPages.of(array)
        for block in block_digests(_bytes, _blocks(array)):
            parts.append(block)
            if pages is not None:
                pages.read(1, _BLOCK)
    return digest(*parts)[:32] if parts else None


def _blocks(array: NDArray) -> Iterator[NDArray]:
    """Return blocks of rows, so that a memory map is not read at once."""
    row_bytes = max(1, array[:1].nbytes) if array.ndim else 1
    n_rows = max(1, _BLOCK // row_bytes)
    rows = np.atleast_1d(array)
    return (rows[i * n_rows : (i + 1) * n_rows] for i in range(math.ceil(len(rows) / n_rows)))


def _bytes(block: NDArray) -> memoryview:
    return np.ascontiguousarray(block).data
