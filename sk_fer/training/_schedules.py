"""Learning rates over a fit, as functions of its progress from 0 to 1."""

import math
from collections.abc import Callable
from typing import Any

from skorch.callbacks import Callback, LRScheduler
from torch.optim.lr_scheduler import ReduceLROnPlateau

from sk_fer._utils._choices import SCHEDULES, find_piece

WARM_UP = 0.25


def one_cycle(progress: float) -> float:
    """Return a factor that rises to one and falls to zero."""
    if progress < WARM_UP:
        return 0.04 + 0.96 * progress / WARM_UP
    return (1 - progress) / (1 - WARM_UP)


def cosine(progress: float) -> float:
    """Return a factor that falls from one to zero."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def step(progress: float) -> float:
    """Return a factor that is divided by ten after each third."""
    return 0.1 ** math.floor(3 * progress)


class ProgressSchedule(Callback):
    """Set the learning rate before each step from the share of the steps that are done.

    The rate depends only on the position in the fit, so that a fit continues with the same rates
    after an interruption.

    Parameters
    ----------
    factor : callable
        A function from the progress, 0 to 1, to a factor of `lr`.
    lr : float
        The learning rate for a factor of one.
    n_epochs : int
        The number of epochs of the whole fit.
    """

    def __init__(self, factor: Callable[[float], float], lr: float, n_epochs: int) -> None:
        self.factor = factor
        self.lr = lr
        self.n_epochs = n_epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Remember where this fit starts in the history of the net."""
        self.first_epoch_ = len(net.history)
        self.last_rates_: list[float] = []
        self.scheduled_rates_: list[float] = []

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Start counting the batches of an epoch."""
        self.epoch_ = len(net.history) - 1 - self.first_epoch_
        self.batch_ = 0

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Set the rate of the step to come."""
        if not training:
            return
        self._check_rates(net.optimizer_.param_groups)
        progress = (self.epoch_ + self.batch_ / net.n_train_batches_) / self.n_epochs
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr * group["lr_factor"] * self.factor(progress)
        self.scheduled_rates_ = [group["lr"] for group in net.optimizer_.param_groups]
        self.batch_ += 1

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Note the rates of the step, which a callback may have changed just before it."""
        self.last_rates_ = [group["lr"] for group in net.optimizer_.param_groups]

    def _check_rates(self, groups: list[dict[str, Any]]) -> None:
        """Raise an error if the rates were changed since the last step, without effect."""
        for group, last, scheduled in zip(
            groups, self.last_rates_, self.scheduled_rates_, strict=False
        ):
            if group["lr"] not in (last, scheduled, group["initial_lr"]):
                raise ValueError(
                    f"a callback changed the learning rate from {last:.3g} to "
                    f"{group['lr']:.3g} after a step, which has no effect, as lr_schedule sets "
                    "the rate before each step; set lr_schedule=None to use the callback"
                )


def schedule_callbacks(
    name: str | None, lr: float, n_epochs: int, *, validated: bool
) -> list[tuple[str, Callback]]:
    """Return the callbacks of a learning-rate schedule.

    Parameters
    ----------
    name : str or None
        The schedule, a key of ``SCHEDULES``. None keeps the rate constant.
    lr : float
        The largest learning rate.
    n_epochs : int
        The number of epochs of the whole fit.
    validated : bool
        Whether there is a validation loss, which "plateau" uses.

    Returns
    -------
    list of (name, skorch callback)
        The callbacks, none for None.

    References
    ----------
    .. [1] Smith & Topin, "Super-Convergence: Very Fast Training of Neural Networks
       Using Large Learning Rates", 2018: one cycle.
    """
    if name is None:
        return []
    factor = find_piece(SCHEDULES[name].piece)
    if factor is None:
        monitor = "valid_loss" if validated else "train_loss"
        plateau = LRScheduler(
            ReduceLROnPlateau, monitor=monitor, factor=0.1, patience=5, event_name=None
        )
        return [("sk_fer_lr_schedule", plateau)]
    return [("sk_fer_lr_schedule", ProgressSchedule(factor, lr, n_epochs))]
