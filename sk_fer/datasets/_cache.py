"""A cache of what was read from a file, in scikit-learn's data home."""

import os
import warnings
import zipfile
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from sklearn.datasets import get_data_home

from sk_fer._utils._digest import block_digests, digest
from sk_fer._utils._write_aside import write_aside

_FORMAT = 2
_BLOCK = 1 << 20


class ArrayCache:
    """Arrays that were read from one file, valid if its size, time and checksum are the same.

    Parameters
    ----------
    source : Path
        The file that the arrays are read from.
    data_home : str or path-like, default=None
        The data home of scikit-learn; the arrays go to its folder ``sk_fer``.
    """

    def __init__(self, source: Path, data_home: str | os.PathLike[str] | None = None):
        self.source = source.resolve()
        self.data_home = data_home
        status = self.source.stat()
        self._key = [str(_FORMAT), str(self.source), str(status.st_size), str(status.st_mtime_ns)]

    def load(self) -> dict[str, np.ndarray] | None:
        """Return the arrays, None if there are none or they are not those of the file."""
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                *key, checksum = archive["key"].tolist()
                if key != self._key or checksum != self._checksum:
                    return None
                return {name: archive[name] for name in archive.files if name != "key"}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # missing or damaged: it will be written again

    def store(self, arrays: dict[str, np.ndarray]) -> None:
        """Store the arrays, or warn if that is not possible."""
        try:
            with write_aside(self._path) as aside, aside.open("wb") as file:
                key = np.array([*self._key, self._checksum])
                np.savez(file, key=key, allow_pickle=False, **arrays)
        except OSError as error:
            warnings.warn(
                f"{self.source} was read but is not cached, {error}; cache=False ends this warning",
                stacklevel=5,
            )

    @cached_property
    def _path(self) -> Path:
        folder = Path(get_data_home(self.data_home)) / "sk_fer"
        folder.mkdir(exist_ok=True)
        name = digest(str(self.source))[:16]
        return folder / f"{self.source.stem}-{name}.npz"

    @cached_property
    def _checksum(self) -> str:
        """SHA-256 of the SHA-256 of each block, so that several processors share the work."""
        blocks = range(0, self.source.stat().st_size, _BLOCK)
        return digest(*block_digests(partial(_read_block, self.source), blocks))


def _read_block(path: Path, start: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        return file.read(_BLOCK)
