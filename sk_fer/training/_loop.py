"""The training loop of skorch, without its costs per sample and per batch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.utils import TeeGenerator
from torch import Tensor

from sk_fer.modules import dropout_generator, weighted_batch
from sk_fer.training._augment import Augmentation
from sk_fer.training._batches import Batch, BatchIterator
from sk_fer.training._callback_net import CallbackNet
from sk_fer.training._dataset import FaceDataset
from sk_fer.training._device import fastest_convolutions
from sk_fer.training._divergence import DivergenceWatch
from sk_fer.training._forward import forward, layers_for
from sk_fer.training._interrupt import notice_interrupt
from sk_fer.training._memory import reuse_memory
from sk_fer.training._out_of_memory import BatchSplitter, Part
from sk_fer.training._ranks import (
    add_up,
    average_gradients,
    average_statistics,
    copy_from_first,
    n_ranks,
    part_of_rank,
    rank,
)
from sk_fer.training._resizing import ProgressiveResizing
from sk_fer.training._shared_device import fits_side_by_side

if TYPE_CHECKING:
    from sk_fer.training._checkpoints import Checkpoints
    from sk_fer.training._paused import PausedTraining


class _StopTraining(Exception):
    """A callback requests the end of the fit."""


class TrainingLoop(CallbackNet):
    """Base class of the net, with the epochs, the steps and the end of a fit."""

    seed: int
    augmentation: Augmentation | None
    resizing: ProgressiveResizing | None
    precision: torch.dtype
    splitter_: BatchSplitter
    scaler_: torch.amp.GradScaler

    # -- a fit -----------------------------------------------------------------------------

    def partial_fit(
        self,
        X: FaceDataset,
        y: Any = None,
        classes: None = None,
        *,
        valid: FaceDataset | None = None,
        checkpoints: Checkpoints | PausedTraining | None = None,
        **fit_params: Any,
    ) -> Self:
        """Train for ``max_epochs`` more epochs, without keeping a reference to the data.

        Unlike in skorch, a KeyboardInterrupt by Ctrl-C is raised.

        Parameters
        ----------
        X : FaceDataset or array-like
            The training images.
        y : array-like, default=None
            The targets, if `X` is not a data set.
        classes : None, default=None
            Ignored.
        valid : FaceDataset, default=None
            The validation images.
        checkpoints : Checkpoints or PausedTraining, default=None
            The state to restore and to keep.
        **fit_params
            Ignored.

        Returns
        -------
        TrainingLoop
            The net itself.
        """
        train = self.get_dataset(X, y)
        if not self.initialized_:
            self.initialize()
        with self._fit_context(checkpoints):
            self.notify("on_train_begin", X=train, y=None)
            self._continue_schedulers()
            epochs = self.max_epochs if checkpoints is None else checkpoints.restore(self)
            copy_from_first(self.module_)
            try:
                with suppress(_StopTraining):
                    self.fit_loop(train, epochs=epochs, valid=valid, checkpoints=checkpoints)
            except KeyboardInterrupt:
                self._drop_unfinished_epoch()
                self._warn_of_interrupt()
                if self.history:
                    self._undo_steps_after_the_best_epoch()
                    self.notify("on_train_end", X=train, y=None)
                raise
            if self.history:  # it may have paused before the first epoch
                self.notify("on_train_end", X=train, y=None)
        return self

    @contextmanager
    def _fit_context(self, checkpoints: Checkpoints | PausedTraining | None) -> Iterator[None]:
        """Set up the parts that only a fit needs, and remove them however it ends."""
        self.n_epochs_before_ = len(self.history)
        self.dropout_generator_ = torch.Generator(self.device)
        try:
            with (
                nullcontext() if checkpoints is None else checkpoints.flushed(),
                torch.enable_grad(),
                reuse_memory(),
                fastest_convolutions(),
                dropout_generator(self.module_, self.dropout_generator_),
                notice_interrupt() as self.interrupt_,
            ):
                yield
        finally:
            self.module_.eval()
            self._drop_unfinished_epoch()
            self._release_callbacks()
            del self.dropout_generator_, self.interrupt_

    def fit_loop(
        self,
        X: FaceDataset,
        y: None = None,
        epochs: int | None = None,
        *,
        valid: FaceDataset | None = None,
        checkpoints: Checkpoints | PausedTraining | None = None,
        **_: Any,
    ) -> Self:
        """Train for some epochs, each with a validation and a checkpoint."""
        self.check_training_readiness()
        datasets = {"dataset_train": X, "dataset_valid": valid}
        train_batches = self.get_iterator(X, training=True)
        valid_batches = None if valid is None else self.get_iterator(valid)
        for _epoch in range(self.max_epochs if epochs is None else epochs):
            self.notify("on_epoch_begin", **datasets)
            self.run_single_epoch(train_batches, True, "train", self.train_step)
            average_statistics(self.module_)
            if valid_batches is not None:
                self.run_single_epoch(valid_batches, False, "valid", self.validation_step)
            self.on_epoch_end(self, **datasets)
            stopped = self._call_callbacks("on_epoch_end", **datasets)
            if n_ranks() > 1:  # all processes end after the same epoch
                stopped = bool(add_up(torch.tensor(float(stopped), device=self.device)))
            if checkpoints is not None:
                checkpoints.save(self, stopped=stopped)
            if stopped:
                break
        return self

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call all callbacks. If one raises a KeyboardInterrupt, the fit stops."""
        getattr(self, method_name)(self, **kwargs)
        if self._call_callbacks(method_name, **kwargs):
            raise _StopTraining

    # -- data ------------------------------------------------------------------------------

    def get_dataset(self, X: Any, y: Any = None) -> FaceDataset:
        """Return `X` as the data set from which batches are taken."""
        if isinstance(X, FaceDataset):
            return X
        if isinstance(X, Mapping):  # the inputs of a batch
            kind, values = next(iter(X.items()))
            return FaceDataset(values.cpu().numpy(), y, kind=kind)
        return FaceDataset(X, y)

    def get_iterator(self, dataset: FaceDataset, training: bool = False) -> BatchIterator:
        """Return the batches of a data set, in a new order each epoch in training."""
        order = self._shuffled if training else np.arange
        iterator = BatchIterator(dataset, self.batch_size, self.device, order, part_of_rank)
        if training:
            self.n_train_batches_ = len(iterator)
        return iterator

    def _shuffled(self, n_samples: int) -> NDArray[np.intp]:
        """Return the order of the samples in the epoch."""
        return self.order_generator_.permutation(n_samples)

    # -- an epoch --------------------------------------------------------------------------

    def on_epoch_begin(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Seed the random number generators of the epoch, and choose the size of its images."""
        super().on_epoch_begin(net, *args, **kwargs)
        sequence = np.random.SeedSequence([self.seed, len(self.history)])
        order, augmentation, dropout = (int(s) for s in sequence.generate_state(3))
        self.order_generator_ = np.random.default_rng(order)
        self.dropout_generator_.manual_seed(dropout + rank())
        size = None
        if self.resizing is not None:
            epoch = len(self.history) - self.n_epochs_before_
            size = self.resizing.image_size(self.module_, epoch)
        self.augment_ = None
        if self.augmentation or size:
            generator = torch.Generator().manual_seed(augmentation + rank())
            self.augment_ = partial(
                self.augmentation or Augmentation({}), generator=generator, size=size
            )

    def on_epoch_end(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Write the learning rate of the last step into the history."""
        self.history.record("lr", float(self.optimizer_.param_groups[0]["lr"]))

    def run_single_epoch(
        self, iterator: BatchIterator, training: bool, prefix: str, step_fn: Any, **_: Any
    ) -> None:
        """Run all batches once. The sums are read from the device only at the end."""
        sums = torch.zeros(2, device=self.device)
        watch = None
        if training:
            super()._set_training(True)  # callbacks may have changed the mode
            layers = layers_for(self.module_, iterator.dataset.kind)
            watch = DivergenceWatch(self, layers, len(iterator))
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            sums += self._loss_and_hits(step, batch)
            if watch is not None:
                watch.note(step["loss"])
            self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
            self.history.record_batch_loss(f"{prefix}_loss", step["loss"])
            self.notify("on_batch_end", batch=batch, training=training, **step)
        loss, hits = (add_up(sums) / len(iterator.dataset)).tolist()
        if watch is not None:
            watch.check()
        self._record_epoch(prefix, loss, hits, len(iterator))

    def _record_epoch(self, prefix: str, loss: float, accuracy: float, n_batches: int) -> None:
        """Write the loss and accuracy of an epoch into the history."""
        for name, value, sign in (("loss", loss, 1), ("accuracy", accuracy, -1)):
            column = f"{prefix}_{name}"
            before = [sign * row[column] for row in self.history[:-1] if column in row]
            self.history.record(column, value)
            self.history.record(f"{column}_best", sign * value < min(before, default=math.inf))
        self.history.record(f"{prefix}_batch_count", n_batches)

    # -- a step ----------------------------------------------------------------------------

    def train_step(self, batch: Batch, **_: Any) -> dict[str, Tensor]:
        """Take one step of the optimizer, with scaled gradients where the type is float16."""
        step = self.train_step_single(batch)
        average_gradients(self.module_.parameters(), len(batch[1]))
        self.scaler_.unscale_(self.optimizer_)
        self.notify(
            "on_grad_computed",
            named_parameters=TeeGenerator(self.get_all_learnable_params()),
            batch=batch,
            training=True,
        )
        with self._step_precision():
            self.scaler_.step(self.optimizer_)
        self.scaler_.update()
        return step

    def _step_precision(self) -> AbstractContextManager[Any]:
        """Return the context in which the optimizer takes a step."""
        # Muon multiplies matrices. On a GPU, its casts would take longer than they save.
        reduced = self.precision == torch.bfloat16 and torch.device(self.device).type == "cpu"
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced)

    def train_step_single(self, batch: Batch, **_: Any) -> dict[str, Tensor]:
        """Compute the gradients of one batch."""
        self._set_training(True)
        return self.splitter_.run(self._gradients, batch, may_split=not fits_side_by_side())

    def _set_training(self, training: bool = True) -> None:
        """Set the mode if it is another one, because this visits all layers."""
        parts = (self.module_, self.module_.network)
        if any(part.training != training for part in parts):
            super()._set_training(training)

    def _gradients(self, parts: list[Part]) -> dict[str, Tensor]:
        """Add up the gradients of the parts of a batch."""
        self.optimizer_.zero_grad()
        losses, outputs = [], []
        for (inputs, target), share in parts:
            with weighted_batch(self.module_, inputs["sample_weight"]):
                logits = forward(self.module_, inputs, self.precision, self.augment_)
            loss = self.get_loss(logits, target, X=inputs, training=True) * share
            self.scaler_.scale(loss).backward()
            losses.append(loss.detach())
            outputs.append(logits.detach())
        return {"loss": torch.stack(losses).sum(), "y_pred": torch.cat(outputs)}

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, **_: Any) -> Tensor:
        """Return the weighted loss of a batch."""
        return self.criterion_(y_pred, y_true, X["loss_weight"])

    @staticmethod
    def _loss_and_hits(step: dict[str, Tensor], batch: Batch) -> Tensor:
        target = batch[1]
        classes = target.argmax(1) if target.is_floating_point() else target
        hits = (step["y_pred"].argmax(1) == classes).sum()
        return torch.stack([step["loss"].detach().float() * len(classes), hits.float()])

    # -- the end of a fit ------------------------------------------------------------------

    def _drop_unfinished_epoch(self) -> None:
        if self.history and "dur" not in self.history[-1]:
            self.history.pop()

    def _warn_of_interrupt(self) -> None:
        with suppress(UserWarning):  # if warnings are errors, Ctrl-C is still raised
            warnings.warn(
                "the fit was interrupted; the estimator keeps its weights after "
                f"{len(self.history)} complete epochs and a part of one",
                stacklevel=6,
            )
