"""A folder of checkpoint files, which keeps the last few."""

import io
import re
import warnings
from pathlib import Path
from typing import Any

import torch

from sk_fer._utils._digest import digest
from sk_fer._utils._write_aside import write_aside
from sk_fer.training._plain_state import plain_state

# The checksum is part of the name, so that ``torch.load`` can read the file.
_NAME = re.compile(r"epoch-(\d+)-([0-9a-f]{32})\.pt")


class CheckpointFolder:
    """The checkpoint files of one training, in a folder that the caller has locked.

    Parameters
    ----------
    path : Path
        An existing folder.
    n_checkpoints : int
        The number of checkpoints to keep.
    """

    def __init__(self, path: Path, n_checkpoints: int) -> None:
        self.path = path
        self.n_checkpoints = n_checkpoints
        self._damaged: set[Path] = set()
        for unfinished in path.glob("epoch-*.pt.*.unfinished"):  # from a training that was killed
            unfinished.unlink()

    def newest(self) -> dict[str, Any] | None:
        """Return the newest checkpoint that is not damaged.

        Returns
        -------
        dict or None
            The state in the checkpoint, or None if there is no checkpoint.

        Warns
        -----
        UserWarning
            For each damaged checkpoint, which is skipped.
        """
        for file in self._files():
            content = file.read_bytes()
            if _checksum(content) == _NAME.fullmatch(file.name)[2]:  # type: ignore[index]
                return unpack_state(content)
            self._damaged.add(file)
            warnings.warn(
                f"the checkpoint {file} is damaged and ignored: its checksum is wrong",
                stacklevel=2,
            )
        return None

    def write(self, epoch: int, content: bytes) -> None:
        """Write a checkpoint atomically, and remove the oldest ones.

        Parameters
        ----------
        epoch : int
            The number of the epoch.
        content : bytes
            The content of the file, from :func:`pack_state`.
        """
        name = f"epoch-{epoch:05}-{_checksum(content)}.pt"
        with write_aside(self.path / name) as aside:
            aside.write_bytes(content)
        whole = [file for file in self._files() if file not in self._damaged]
        for old in [*whole[self.n_checkpoints :], *self._damaged]:
            old.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all checkpoints."""
        for file in self._files():
            file.unlink()

    def _files(self) -> list[Path]:
        """Return the checkpoints, the newest first."""
        epochs = {
            path: int(name[1])
            for path in self.path.iterdir()
            if (name := _NAME.fullmatch(path.name))
        }
        return sorted(epochs, key=lambda path: (epochs[path], path.stat().st_mtime), reverse=True)


def pack_state(state: dict[str, Any]) -> bytes:
    """Return a state as ``torch.save`` writes it, in a form that needs no code to read.

    Parameters
    ----------
    state : dict
        Tensors and plain values, as in :func:`plain_state`.

    Raises
    ------
    TypeError
        If the state contains anything else.
    """
    file = io.BytesIO()
    torch.save(plain_state(state), file)
    return file.getvalue()


def unpack_state(content: bytes) -> dict[str, Any]:
    """Return the state in what :func:`pack_state` returned."""
    state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
    return state


def _checksum(content: bytes) -> str:
    return digest(content)[:32]
