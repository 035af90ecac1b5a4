"""Shows the progress of a fit: a line per epoch, and on a terminal a progress bar."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from skorch.callbacks import Callback

from sk_fer._cli._console import console, say


@contextmanager
def training_progress() -> Iterator["TrainingProgress"]:
    """Yield a callback that shows the progress of a fit, and remove the bar at the end."""
    bar = Progress(
        TextColumn("Epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        BarColumn(bar_width=24),
        TextColumn("loss {task.fields[loss]}  {task.fields[accuracy]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        yield TrainingProgress(bar)


class TrainingProgress(Callback):
    """Show the progress of a fit after each batch and each epoch.

    Parameters
    ----------
    bar : rich.progress.Progress
        The progress bar, disabled without a terminal.
    """

    def __init__(self, bar: Progress) -> None:
        self.bar = bar

    def __sklearn_clone__(self) -> "TrainingProgress":
        """Return the same object, because the bar cannot be copied."""
        return self

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Add an empty bar."""
        self._task = self.bar.add_task(
            "", total=None, epoch=1, epochs=net.max_epochs, loss="-", accuracy=""
        )
        self._shown_at = 0.0

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the number of batches, which is known only now."""
        total = net.max_epochs * net.n_train_batches_
        done = (
            len(net.history) - 1
        ) * net.n_train_batches_  # includes epochs before an interruption
        self.bar.update(self._task, total=total, completed=done, epoch=len(net.history))

    def on_batch_end(
        self, net: Any, training: bool = False, loss: Any = None, **kwargs: Any
    ) -> None:
        """Advance by one batch. The loss is read twice a second, because it waits for the GPU."""
        if not training or self.bar.disable:
            return
        self.bar.advance(self._task)
        if time.monotonic() - self._shown_at > 0.5:
            self.bar.update(self._task, loss=f"{loss.item():.3f}")
            self._shown_at = time.monotonic()

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print the loss and the accuracy of the epoch on training and validation images."""
        epoch = net.history[-1]
        loss = _join(epoch, "loss", ".3f")
        accuracy = f"accuracy {_join(epoch, 'accuracy', '.1%')}"
        self.bar.update(self._task, loss=loss, accuracy=accuracy)
        progress = f"Epoch {epoch['epoch']}/{net.max_epochs}"
        say(f"{progress}  loss {loss}  {accuracy}  {epoch['dur']:.1f} s")

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Remove the bar. The lines of the epochs remain."""
        self.bar.remove_task(self._task)


def _join(epoch: Any, measure: str, form: str) -> str:
    names = [f"{prefix}_{measure}" for prefix in ("train", "valid")]
    return " / ".join(format(epoch[name], form) for name in names if name in epoch)
