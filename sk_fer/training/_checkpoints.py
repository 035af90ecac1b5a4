"""Checkpoints of a training, which are written after its epochs and restored to continue it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from sk_fer.training._checkpoint_folder import CheckpointFolder, pack_state
from sk_fer.training._interrupt import before_termination
from sk_fer.training._plain_state import plain_state

if TYPE_CHECKING:
    from skorch import NeuralNet


class Checkpoints:
    """Checkpoints that contain the state of a net after its epochs, and restore it.

    The state is that between two epochs. All random numbers of an epoch follow from the seed and
    the number of the epoch, so that no other state is needed.

    Parameters
    ----------
    folder : CheckpointFolder or None
        The folder of the checkpoints. It must be locked. If None, nothing is written.
    about : dict
        A description that distinguishes this training from others. It is part of each
        checkpoint.
    minutes : float, default=0.0
        The minimum time between two checkpoints on the disk. With 0, one is written after each
        epoch.
    found : dict, default=None
        The checkpoint from which the training continues.
    """

    def __init__(
        self,
        folder: CheckpointFolder | None,
        about: dict[str, Any],
        minutes: float = 0.0,
        found: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.about = about
        self.minutes = minutes
        self.found = found
        self._written_at = time.monotonic()
        self._pending: tuple[int, bytes] | None = None
        self._warned = False

    def restore(self, net: NeuralNet) -> int:
        """Set a net at the beginning of its training to the state of the checkpoint.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.

        Returns
        -------
        int
            The number of epochs that are left to train.
        """
        if self.found is None:
            return net.max_epochs
        checkpoint, self.found = self.found, None
        n_epochs = len(checkpoint["history"]) - len(net.history)
        restore_state(net, checkpoint)
        return 0 if checkpoint["stopped"] else net.max_epochs - n_epochs

    def save(self, net: NeuralNet, *, stopped: bool) -> None:
        """Take the state at the end of an epoch, and write it if `minutes` have passed.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net, at the end of an epoch.
        stopped : bool
            Whether a callback asked to end the training.
        """
        if self.folder is None:
            return
        self._pending = len(net.history), take_state(net, self.about, stopped=stopped)
        if time.monotonic() - self._written_at >= 60 * self.minutes:
            self.flush()

    @contextmanager
    def flushed(self) -> Iterator[None]:
        """Write the last state that was taken at the end of a ``with`` block, also after errors.

        Yields
        ------
        None
            The block can also be ended by a termination signal.
        """
        with before_termination(self.flush):
            try:
                yield
            finally:
                self.flush()

    def flush(self) -> None:
        """Write the last state taken, if it is not on the disk yet."""
        if self._pending is None or self.folder is None:
            return
        try:
            self.folder.write(*self._pending)
        except OSError as error:
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"a checkpoint could not be written to {self.folder.path}, and the training "
                    f"continues without it: {error}",
                    stacklevel=2,
                )
        else:
            self._pending = None
            self._written_at = time.monotonic()


def take_state(net: NeuralNet, about: dict[str, Any], *, stopped: bool) -> bytes:
    """Return the state of a net between two epochs.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net.
    about : dict
        A description of the training, which is part of the state.
    stopped : bool
        Whether a callback asked to end the training.

    Returns
    -------
    bytes
        The state, in the form of :func:`pack_state`.
    """
    own = {name for name, _ in net.get_default_callbacks()}
    state = {
        "about": about,
        "stopped": stopped,
        "history": [_plain_row(row) for row in net.history],
        "module": dict(net.module_.state_dict()),
        "frozen": [n for n, p in net.module_.named_parameters() if not p.requires_grad],
        "optimizer": net.optimizer_.state_dict(),
        "scaler": net.scaler_.state_dict(),
        "callbacks": {n: _state(c) for n, c in net.callbacks_ if n not in own},
    }
    return pack_state(state)


def restore_state(net: NeuralNet, state: dict[str, Any]) -> None:
    """Set a net to a state.

    Parameters
    ----------
    net : skorch.NeuralNet
        A net of the same network, after the beginning of its training.
    state : dict
        The content of what :func:`take_state` returned.
    """
    net.history[:] = [{**row, "batches": []} for row in state["history"]]
    net.module_.load_state_dict(state["module"])
    for name, parameter in net.module_.named_parameters():
        parameter.requires_grad_(name not in state.get("frozen", ()))
    net.optimizer_.load_state_dict(state["optimizer"])
    if state["scaler"] and net.scaler_.is_enabled():
        net.scaler_.load_state_dict(state["scaler"])
    callbacks = dict(net.callbacks_)
    for name, of_callback in state["callbacks"].items():
        if name in callbacks:
            _set_state(callbacks[name], of_callback)


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return an epoch of skorch's history without values that are not plain."""
    return {k: v for k, v in row.items() if isinstance(v, (bool, int, float, str, np.generic))}


def _state(callback: Any) -> dict[str, Any]:
    """Return the learned attributes of a callback, whose names end with an underscore."""
    state = {}
    for name, value in vars(callback).items():
        if not name.endswith("_"):
            continue
        if hasattr(value, "state_dict") and not isinstance(value, type):
            value = value.state_dict()
        with suppress(TypeError):  # the callback creates other objects again
            state[name] = plain_state(value)
    return state


def _set_state(callback: Any, state: dict[str, Any]) -> None:
    for name, value in state.items():
        load = getattr(getattr(callback, name, None), "load_state_dict", None)
        if load is not None:
            load(value)
        else:
            setattr(callback, name, value)
