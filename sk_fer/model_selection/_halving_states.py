"""The trainings of a rung of a search by halving, whose states are in files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sk_fer._utils._digest import digest
from sk_fer._utils._write_aside import write_aside


class Rung:
    """The part of the trainings until the next comparison of the candidates.

    Parameters
    ----------
    folder : Path
        The folder of the states, which exists.
    names : sequence of str
        The names of the candidates, for the files.
    n_epochs : int
        The number of epochs that are trained in all.
    n_epochs_before : int
        The number of epochs of the rung before, or 0.
    is_last : bool
        Whether the trainings are complete, so that no state is kept.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        *,
        n_epochs: int,
        n_epochs_before: int,
        is_last: bool,
    ) -> None:
        self.folder = folder
        self.names = names
        self.n_epochs = n_epochs
        self.n_epochs_before = n_epochs_before
        self.is_last = is_last

    def part(self, candidate: int, fold: int) -> dict[str, Any]:
        """Return the part of a training, as arguments of ``_paused_after`` of the classifiers.

        Parameters
        ----------
        candidate, fold : int
            The numbers of the candidate and of the fold.

        Returns
        -------
        dict
            The arguments. Without the file of its state, a training begins again.

        Warns
        -----
        UserWarning
            If the file is damaged. The training begins again.
        """
        path = self._path(candidate, fold, self.n_epochs_before)
        state = _read(path) if path.exists() else None
        return {"n_epochs": self.n_epochs, "state": state}

    def keep(self, candidate: int, fold: int, state: bytes | None) -> None:
        """Write the state of a training to a file, unless the fit failed or is complete.

        Parameters
        ----------
        candidate, fold : int
            The numbers of the candidate and of the fold.
        state : bytes or None
            The state.
        """
        if state is not None and not self.is_last:
            with write_aside(self._path(candidate, fold, self.n_epochs)) as aside:
                aside.write_bytes(_checksum(state) + state)

    def drop_others(self, candidates: Sequence[int]) -> None:
        """Remove the states that are not needed after the comparison.

        Parameters
        ----------
        candidates : sequence of int
            The numbers of the candidates that continue.
        """
        kept = {self.names[i] for i in candidates}
        for path in self.folder.glob("*-*-*.pt"):
            name, _, n_epochs = path.stem.split("-")
            # A search that was stopped may have states of later rungs.
            if name not in kept or int(n_epochs) < self.n_epochs:
                path.unlink()

    def _path(self, candidate: int, fold: int, n_epochs: int) -> Path:
        return self.folder / f"{self.names[candidate]}-{fold}-{n_epochs}.pt"


def _read(path: Path) -> bytes | None:
    """Return the state in a file, or None with a warning if the file is damaged."""
    content = path.read_bytes()
    size = len(_checksum(b""))
    checksum, state = content[:size], content[size:]
    if checksum == _checksum(state):
        return state
    warnings.warn(
        f"the state of a training, {path}, is damaged, and the training begins again: its checksum "
        "is wrong",
        stacklevel=2,
    )
    return None


def _checksum(state: bytes) -> bytes:
    return digest(state).encode()
