"""Reading a memory map without keeping it in memory."""

import mmap

import numpy as np
from numpy.typing import NDArray

# Reading one page makes the system map its neighbours too, 64 KiB in all on Linux.
READ_AROUND = 64 * 2**10
MOST_MAPPED = 256 * 2**20


class MappedPages:
    """The pages of a memory-mapped array that a process holds.

    Pages that were read count as the process's memory until they are given back, so a
    pass over a file larger than memory would fill it.

    Parameters
    ----------
    mapping : mmap.mmap
        The file's map, shared or read-only: giving back the changed pages of a private
        one would lose the changes.
    """

    def __init__(self, mapping: mmap.mmap) -> None:
        self.mapping = mapping
        self.n_bytes = 0

    @classmethod
    def of(cls, array: NDArray) -> "MappedPages | None":
        """Return the pages of the map that an array is a view of, if it is of one."""
        base: object = array
        while isinstance(base, np.ndarray):
            mapping = getattr(base, "_mmap", None)
            if isinstance(mapping, mmap.mmap):
                private = getattr(base, "mode", "c") == "c"
                return None if private or not hasattr(mmap, "MADV_DONTNEED") else cls(mapping)
            base = base.base
        return None

    def read(self, n_reads: int, n_bytes: int) -> None:
        """Count what was read, and give the pages back once they are many.

        Parameters
        ----------
        n_reads : int
            Places that were read from.
        n_bytes : int
            Size of what was read, in all.
        """
        self.n_bytes += n_bytes + n_reads * READ_AROUND
        if self.n_bytes > MOST_MAPPED:
            self.mapping.madvise(mmap.MADV_DONTNEED)
            self.n_bytes = 0
