"""What a frozen backbone makes of images, kept on disk image by image."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_memory

from sk_fer._utils._write_aside import write_aside
from sk_fer.training._folder_lock import lock_folder

_DIGEST_BYTES = 16
_SUFFIX = ".features"


class FeatureStore:
    """Features on disk, found again by the content of their images.

    The folds of a search are other slices of the same images, and its workers other processes:
    whoever comes first computes the features of an image, and all others read them.

    Parameters
    ----------
    folder : str or path-like
        Where to keep features; it is made where it is missing. Any number of processes may
        share it.
    key : str
        Hex digest of all that decides the features beside the image: the weights of the
        backbone, the size of its input, the precision. Each key has a folder of its own.

    See Also
    --------
    store_folder : The folder that a user's ``memory`` stands for.

    Notes
    -----
    ``<folder>/<key>/`` holds one file for each computing call: the digests of its images, then
    their features, which are read through a memory map. Each process checks a file's checksum
    once; a damaged one is removed and its features are computed again. Whoever computes holds
    the folder's lock, which the operating system ends with the process.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sk_fer.training import FeatureStore
    >>> images = np.arange(8, dtype=np.uint8).reshape(4, 2, 1, 1)
    >>> def means(rows):
    ...     print("computing", rows)
    ...     return images[rows].mean((1, 2, 3), dtype=np.float32)[:, None]
    >>> with TemporaryDirectory() as folder:
    ...     store = FeatureStore(folder, key="0a1b")
    ...     _ = store.features(images[:3], means)
    ...     print(store.features(images[2:0:-1], means).ravel())
    computing [0 1 2]
    [4.5 2.5]
    """

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self.path = Path(folder, key).absolute()

    def features(
        self, images: NDArray, compute: Callable[[NDArray[np.intp]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return the features of images, computing those that are not stored.

        Parameters
        ----------
        images : ndarray of shape (n_images, height, width, n_channels)
            At least one, of any dtype; the same values of another dtype are another image. A
            memory map or a view is not copied.
        compute : callable
            Given the rows of distinct images, of shape ``(n_rows,)``, it returns their features,
            of shape ``(n_rows, *feature_shape)``. It is called once, or not at all.

        Returns
        -------
        ndarray of shape (n_images, *feature_shape), float32
            In the order of `images`.

        Raises
        ------
        ValueError
            If `compute` returns another number of rows than it was given.

        Warns
        -----
        UserWarning
            If a stored file is damaged, or the features cannot be kept.
        """
        digests = list(_digests(images))
        stored = _stored_features(self.path)
        if not stored.missing(digests) or not stored.update().missing(digests):
            return stored.gather(digests)
        with _locked(self.path):
            missing = stored.update().missing(digests)  # another process may have had them computed
            computed: dict[bytes, NDArray[np.float32]] = {}
            if missing:
                rows = np.fromiter(missing.values(), np.intp, len(missing))
                features = np.ascontiguousarray(compute(rows), np.float32)
                if len(features) != len(rows):
                    raise ValueError(
                        f"compute returned features of shape {features.shape}; wanted one row for "
                        f"each of {len(rows)} images"
                    )
                computed = dict(zip(missing, features, strict=True))
                _keep(self.path, list(missing), features)
        return stored.gather(digests, computed)


class _StoredFeatures:
    """The features of one key, as far as this process has read what was written.

    Parameters
    ----------
    path : Path
        Folder of the key, perhaps not there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: set[str] = set()
        self._features: dict[bytes, NDArray[np.float32]] = {}  # rows of memory maps

    def missing(self, digests: list[bytes]) -> dict[bytes, int]:
        """Return the digests that are not stored, each with the first row that has it."""
        rows: dict[bytes, int] = {}
        for row, digest in enumerate(digests):
            if digest not in self._features:
                rows.setdefault(digest, row)
        return rows

    def update(self) -> "_StoredFeatures":
        """Read the files that have come since the last time."""
        for file in sorted(self.path.glob(f"*{_SUFFIX}")):
            if file.name in self._names:
                continue
            try:
                digests, features = _read(file)
                self._features.update(zip(digests, features, strict=True))
            except OSError as error:
                _warn(f"{file} is passed over, it cannot be read: {error}")
            except Exception as error:  # on damaged files NumPy raises nearly anything
                _warn(f"{file} is damaged and passed over: {error}")
                with suppress(OSError):
                    file.unlink()  # so that it is found but once
            self._names.add(file.name)
        return self

    def gather(
        self, digests: list[bytes], computed: dict[bytes, NDArray[np.float32]] | None = None
    ) -> NDArray[np.float32]:
        """Return the features of all digests, from `computed` or as they are stored."""
        features = self._features | (computed or {})
        return np.stack([features[digest] for digest in digests])


# One for each folder and process, since each fit of a search has a FeatureStore of its own.
_stored_features = lru_cache(maxsize=8)(_StoredFeatures)


def store_folder(memory: Any) -> Path | None:
    """Return the folder for features that a user's ``memory`` stands for.

    Parameters
    ----------
    memory : None, str, path-like or object with the interface of joblib.Memory
        As scikit-learn's pipelines take it.

    Returns
    -------
    Path or None
        ``<location>/sk_fer_features``; None where nothing is to be kept.

    Raises
    ------
    ValueError
        If `memory` is anything else.

    See Also
    --------
    FeatureStore : What keeps features there.

    Examples
    --------
    >>> from sk_fer.training import store_folder
    >>> store_folder("cache").as_posix()
    'cache/sk_fer_features'
    >>> store_folder(None) is None
    True
    """
    if isinstance(memory, str | os.PathLike):
        location: Any = memory  # a joblib.Memory would make folders of its own there
    else:
        location = getattr(check_memory(memory), "location", None)
    return None if location is None else Path(location, "sk_fer_features")


def _digests(images: NDArray) -> Iterator[bytes]:
    """Yield a digest of each image, of its type and shape too."""
    images = np.asarray(images)  # the rows of a memory map are slow to make
    tag = f"{images.dtype.str}{images.shape[1:]}".encode()
    tagged = hashlib.blake2b(tag, digest_size=_DIGEST_BYTES)
    for image in images:
        digest = tagged.copy()
        digest.update(np.ascontiguousarray(image).data)
        yield digest.digest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the folder's lock, where there can be one.

    Without it, on a read-only folder or a file system that knows no locks, two processes may
    compute the same features, and no worse.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(lock_folder(path, wait=True))
            for unfinished in path.glob("*.unfinished"):  # of a process that was killed
                unfinished.unlink()
        yield


def _keep(path: Path, digests: list[bytes], features: NDArray[np.float32]) -> None:
    """Write a file of features; where that is not possible, warn and go on."""
    stored = np.array(digests, f"V{_DIGEST_BYTES}")
    # The checksum is part of the name; the rest tells a new file from a damaged one.
    name = f"{_checksum(stored, features)}-{os.urandom(4).hex()}{_SUFFIX}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        with write_aside(path / name) as aside, aside.open("wb") as file:
            np.save(file, stored, allow_pickle=False)
            np.save(file, features, allow_pickle=False)
    except OSError as error:
        _warn(f"the features of {len(digests)} images are not kept in {path}: {error}")


def _read(file: Path) -> tuple[list[bytes], NDArray[np.float32]]:
    """Return the digests and the features of a file, which stay on disk."""
    with file.open("rb") as opened:
        digests = np.load(opened, allow_pickle=False)
        np.lib.format.read_magic(opened)
        shape, _, dtype = np.lib.format.read_array_header_1_0(opened)
        features = np.asarray(np.memmap(opened, dtype, "r", opened.tell(), shape))
    if not file.name.startswith(_checksum(digests, features)):
        raise ValueError("its checksum is wrong")
    return digests.tolist(), features


def _checksum(digests: NDArray, features: NDArray) -> str:
    checksum = hashlib.blake2b(
        f"{features.dtype.str}{features.shape}".encode(), digest_size=_DIGEST_BYTES
    )
    checksum.update(digests.data)
    checksum.update(features.data)
    return checksum.hexdigest()


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=4)
