"""Opens the checkpoints of a fit, and finds the one from which it continues."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from sk_fer.estimators._checkpoint_parameter import CheckpointSettings
from sk_fer.estimators._fingerprint import check_same, short_name

if TYPE_CHECKING:
    from pathlib import Path

    from sk_fer.training import Checkpoints


@contextmanager
def open_checkpoints(
    settings: CheckpointSettings, described: dict[str, Any], seed: int, *, is_clone: bool
) -> Iterator[Checkpoints]:
    """Lock the folder of the checkpoints, and find the checkpoint to continue from.

    Parameters
    ----------
    settings : CheckpointSettings
        The folder and the other settings.
    described : dict
        The description of the training, from :func:`fingerprint`.
    seed : int
        The seed of the training, if there is no checkpoint.
    is_clone : bool
        Whether the estimator is a clone, as in searches and cross-validation. Clones share the
        folder: each training has a subfolder, and equal trainings wait for each other.

    Yields
    ------
    Checkpoints
        The checkpoints. ``about["seed"]`` is the seed of the training.

    Raises
    ------
    ValueError
        If there are checkpoints of other data or parameters.
    OSError
        If the folder cannot be used, or another training uses it.
    """
    from sk_fer._utils._folder_lock import lock_folder
    from sk_fer._utils._library_versions import library_versions
    from sk_fer.training import CheckpointFolder, Checkpoints, rank, value_of_first

    path = settings.folder / short_name(described) if is_clone else settings.folder
    folder, found = None, None
    with ExitStack() as stack:
        if rank() == 0:  # of several processes of one fit, the first one reads and writes
            with _named(settings.folder):
                stack.enter_context(lock_folder(path, wait=is_clone))
                folder = CheckpointFolder(path, settings.keep)
                if not settings.resume:
                    folder.clear()
                found = folder.newest()
        found = value_of_first(found)
        versions = library_versions()
        if found is not None:
            about = found["about"]
            check_same(about["fingerprint"], described, str(path))
            _warn_of_other_versions(about["versions"], versions)
            seed = about["seed"]
        about = {"fingerprint": described, "versions": versions, "seed": seed}
        yield Checkpoints(folder, about, settings.minutes, found)


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Add the parameter `checkpoint` to errors of the file system."""
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        raise OSError(f"the folder {str(folder)!r} of checkpoint: {error}") from error


def _warn_of_other_versions(there: dict[str, Any], here: dict[str, Any]) -> None:
    changed = [f"{k} {there.get(k)}, now {v}" for k, v in here.items() if there.get(k) != v]
    if changed:
        warnings.warn(
            f"the checkpoint was written with other versions of libraries: {'; '.join(changed)}; "
            "the model may differ slightly from that of an uninterrupted training",
            stacklevel=4,
        )
