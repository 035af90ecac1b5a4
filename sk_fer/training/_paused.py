"""A training that pauses after some epochs, and that a later fit continues exactly."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skorch.callbacks import LRScheduler

from sk_fer.training._checkpoint_folder import unpack_state
from sk_fer.training._checkpoints import restore_state, take_state
from sk_fer.training._schedules import ProgressSchedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from sk_fer.training._dataset import FaceDataset

COOL_DOWN = 0.25


class PausedTraining:
    """A part of a training, with its state in memory.

    The training pauses before `n_epochs`, and a copy of the net trains for the epochs that are
    left while its learning rate runs through the rest of the schedule. The copy is the net that
    the fit returns, and shows what the candidate is worth. The state is that of the pause, so
    that the training continues as if it had never been interrupted.

    There is no such cool-down if the learning rate is constant or the training is complete.

    Parameters
    ----------
    n_epochs : int
        The number of epochs that are trained in all, with the cool-down. The training is
        complete if it is at least the number of epochs of the fit.
    state : bytes, default=None
        The state from which the training continues, from `state` of the part before. With None,
        the training begins.
    cool_down : float in [0, 1], default=0.25
        The share of `n_epochs` that the cool-down takes, at least one epoch unless it is 0.

    Attributes
    ----------
    state : bytes
        The state at the pause, after the fit.
    """

    def __init__(
        self, n_epochs: int, state: bytes | None = None, *, cool_down: float = COOL_DOWN
    ) -> None:
        self.n_epochs = n_epochs
        self.cool_down = cool_down
        self.state = state
        self._found = None if state is None else unpack_state(state)
        self._pause_at = self._n_cool_down = 0

    @property
    def seed(self) -> int | None:
        """The seed of the training that is continued, or None if it begins."""
        return None if self._found is None else self._found["about"]["seed"]

    @property
    def part(self) -> tuple[int, int, float]:
        """The epochs of this part: those before it, those at its end, and the cool-down."""
        return len(self._found["history"]) if self._found else 0, self.n_epochs, self.cool_down

    @property
    def stopped(self) -> bool:
        """Whether a callback ended the training in a part before."""
        return self._found is not None and self._found["stopped"]

    # -- what a net calls, as of Checkpoints ---------------------------------------------------

    def restore(self, net: Any) -> int:
        """Set a net to the state.

        Parameters
        ----------
        net : FERNet
            The net, at the start of a fit.

        Returns
        -------
        int
            The number of epochs until the pause.
        """
        if self._found is not None:
            restore_state(net, self._found)
        n_epochs = min(self.n_epochs, net.max_epochs)
        if n_epochs < net.max_epochs and _rest_of_schedule(net, 0) is not None:
            self._n_cool_down = round(self.cool_down * n_epochs) or bool(self.cool_down)
        if self.stopped:
            self._n_cool_down = 0
            return 0
        done = len(net.history) - net.n_epochs_before_
        self._pause_at = max(done, n_epochs - self._n_cool_down)
        if done == self._pause_at:
            self._keep(net, stopped=False)
        return self._pause_at - done

    def save(self, net: Any, *, stopped: bool) -> None:
        """Keep the state of a net at the pause, or where a callback ended the training.

        Parameters
        ----------
        net : FERNet
            The net, after an epoch.
        stopped : bool
            Whether a callback ended the training.
        """
        if stopped:
            self._n_cool_down = 0
        if stopped or len(net.history) - net.n_epochs_before_ == self._pause_at:
            self._keep(net, stopped=stopped)

    def flushed(self) -> AbstractContextManager[None]:
        """Return a context without effect, because nothing is written to files.

        Returns
        -------
        context manager
            The context.
        """
        return nullcontext()

    def _keep(self, net: Any, *, stopped: bool) -> None:
        self.state = take_state(net, {"seed": net.seed}, stopped=stopped)

    # -- the cool-down -------------------------------------------------------------------------

    def finish(self, net: Any, train: FaceDataset) -> None:
        """Train the net of a paused fit through the rest of its schedule.

        Parameters
        ----------
        net : FERNet
            The net, which is changed. The state of the pause stays as it is.
        train : FaceDataset
            The training images. They have their whole size, as at the end of a fit.
        """
        if self.begin_cool_down(net):
            net.partial_fit(train)

    def begin_cool_down(self, net: Any) -> bool:
        """Prepare the net of a paused fit to be trained through the rest of its schedule.

        Parameters
        ----------
        net : FERNet
            The net, which is changed. The state of the pause stays as it is.

        Returns
        -------
        bool
            Whether there are epochs to train. They are the ``max_epochs`` of the net.
        """
        rest = _rest_of_schedule(net, self._pause_at) if self._n_cool_down else None
        if rest is None or self.state is None:
            return False
        restore_state(net, unpack_state(self.state))  # a callback may have loaded other weights
        own = {name for name, _ in net.get_default_callbacks()}
        factor, lr = rest
        schedule = ProgressSchedule(factor, lr, self._n_cool_down)
        for group in net.optimizer_.param_groups:
            group["initial_lr"] = lr * group["lr_factor"]
        net.callbacks_ = [
            *((name, callback) for name, callback in net.callbacks_ if name in own),
            ("sk_fer_cool_down", schedule),
        ]
        net.resizing = None
        net.max_epochs = self._n_cool_down
        return True


def _rest_of_schedule(net: Any, n_epochs: int) -> tuple[_Rest, float] | None:
    """Return the rest of the schedule after some epochs as a function, and the learning rate.

    A schedule that follows from the course of the training falls to zero in a line. Returns None
    if the rate is constant.
    """
    callbacks: list[Any] = [callback for _, callback in net.callbacks_]
    for callback in callbacks:
        if isinstance(callback, ProgressSchedule):
            start = n_epochs / callback.n_epochs
            return _Rest(callback.factor, start), callback.lr
    if any(isinstance(callback, LRScheduler) for callback in callbacks):
        group = net.optimizer_.param_groups[0]
        return _Rest(_fall, 0.0), group["lr"] / group["lr_factor"]
    return None


@dataclass(frozen=True)
class _Rest:
    """The rest of a schedule. It is equal to that of another net with the same schedule."""

    factor: Callable[[float], float]
    start: float

    def __call__(self, progress: float) -> float:
        return self.factor(self.start + (1 - self.start) * progress)


def _fall(progress: float) -> float:
    return 1 - progress
