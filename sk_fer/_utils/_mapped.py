"""Reading a memory map without keeping it in memory."""

import mmap

import numpy as np
from numpy.typing import NDArray

# When one page is read, Linux also maps its neighbours, 64 KiB in total.
READ_AROUND = 64 * 2**10
MOST_MAPPED = 256 * 2**20


class MappedPages:
    """The pages of a memory-mapped array that are in the memory of the process.

    Pages that were read count as memory of the process until they are released. Without a release,
    a pass over a file that is larger than the memory would fill it.

    Parameters
    ----------
    mapping : mmap.mmap
        The map of the file, shared or read-only. For a private map, a release would lose the
        changed pages.
    """

    def __init__(self, mapping: mmap.mmap) -> None:
        self.mapping = mapping
        self.n_bytes = 0

    @classmethod
    def of(cls, array: NDArray) -> "MappedPages | None":
        """Return the pages of the memory map that an array is a view of, or None."""
        base: object = array
        while isinstance(base, np.ndarray):
            mapping = getattr(base, "_mmap", None)
            if isinstance(mapping, mmap.mmap):
                private = getattr(base, "mode", "c") == "c"
                return None if private or not hasattr(mmap, "MADV_DONTNEED") else cls(mapping)
            base = base.base
        return None

    def read(self, n_reads: int, n_bytes: int) -> None:
        """Count the pages that were read, and release them if there are many.

        Parameters
        ----------
        n_reads : int
            The number of places that were read from.
        n_bytes : int
            The total size of the data that was read.
        """
        self.n_bytes += n_bytes + n_reads * READ_AROUND
        if self.n_bytes > MOST_MAPPED:
            self.mapping.madvise(mmap.MADV_DONTNEED)
            self.n_bytes = 0
