"""The training loop: skorch's, with its per-sample and per-batch costs taken out."""

import math
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping, EpochTimer, PrintLog
from skorch.utils import TeeGenerator
from torch import Tensor

from sk_fer.modules import dropout_generator, weighted_batch
from sk_fer.training._augment import Augmentation
from sk_fer.training._callbacks import FitTasks
from sk_fer.training._dataset import Batch, BatchIterator, FaceDataset
from sk_fer.training._interrupt import notice_interrupt


class _StopTraining(Exception):
    """A callback asks to end the fit after this epoch."""


class FERNet(NeuralNetClassifier):
    """A skorch classifier over a :class:`sk_fer.modules.FaceModule`.

    skorch's callbacks, history and ``save_params`` work as everywhere. What differs:
    batches are an index into arrays, augmentation and normalization run on the device,
    loss and accuracy are gathered there and read once an epoch, Ctrl-C is not
    swallowed, and all that is random in an epoch follows from `seed` and the epoch's
    number alone.

    Parameters
    ----------
    module : FaceModule
        The network.
    seed : int, default=0
        Source of the order of the samples, the augmentation and dropout.
    augmentation : Augmentation, optional
        Variation of the training images.
    precision : torch.dtype, default=torch.float32
        Type that matrix products run in.
    weight_decay : float, default=0.0
        L2 penalty on weights; biases and normalization layers are left alone.
    tta : bool, default=False
        Whether predictions are the mean over an image and its mirror image.
    **kwargs
        As in ``skorch.NeuralNetClassifier``.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        precision: torch.dtype = torch.float32,
        weight_decay: float = 0.0,
        tta: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, train_split=None, predict_nonlinearity=_softmax, **kwargs)
        self.seed = seed
        self.augmentation = augmentation
        self.precision = precision
        self.weight_decay = weight_decay
        self.tta = tta
        self.valid_dataset: FaceDataset | None = None

    # -- what the net is made of ---------------------------------------------------------

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def initialize_module(self) -> "FERNet":
        """Take the module as it is, in the memory layout that convolutions like best."""
        self.module_ = self.module.to(memory_format=torch.channels_last)
        return self

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> "FERNet":
        """Build the optimizer, with weight decay on matrices and filters only."""
        named_parameters = list(self.get_all_learnable_params())
        decayed = [p for _, p in named_parameters if p.ndim > 1]
        others = [p for _, p in named_parameters if p.ndim <= 1]
        _, settings = self.get_params_for_optimizer("optimizer", named_parameters)
        self.optimizer_ = self.optimizer(
            [
                {"params": decayed, "weight_decay": self.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            **settings,
        )
        self.scaler_ = torch.amp.GradScaler(
            torch.device(self.device).type, enabled=self.precision == torch.float16
        )
        return self

    def get_dataset(self, X: Any, y: Any = None) -> FaceDataset:
        """Return `X` as the data set that batches are taken from."""
        return X if isinstance(X, FaceDataset) else FaceDataset(X, y)

    def get_iterator(self, dataset: FaceDataset, training: bool = False) -> BatchIterator:
        """Return the batches of a data set, in a new order each epoch in training."""
        order = self._shuffled if training else np.arange
        iterator = BatchIterator(dataset, self.batch_size, self.device, order)
        if training:
            self.n_train_batches_ = len(iterator)
        return iterator

    def get_split_datasets(
        self, X: FaceDataset, y: Any = None, **_: Any
    ) -> tuple[FaceDataset, FaceDataset | None]:
        """Return the training data and what :meth:`fit_datasets` was given to validate on."""
        return self.get_dataset(X, y), self.valid_dataset

    def take_optimizer_state(self, other: "FERNet") -> None:
        """Go on with the moments of another net over the same module."""
        if type(self.optimizer_) is not type(other.optimizer_) or (
            _shaping(self.optimizer_) != _shaping(other.optimizer_)
        ):
            return
        own = self.optimizer_.state_dict()
        state = other.optimizer_.state_dict()["state"]
        self.optimizer_.load_state_dict({**own, "state": state})

    # -- the loop ------------------------------------------------------------------------

    def fit_datasets(self, train: FaceDataset, valid: FaceDataset | None = None) -> "FERNet":
        """Train for ``max_epochs`` more, and keep nothing of the data."""
        self.valid_dataset = valid
        try:
            return self.partial_fit(train)
        finally:
            self.valid_dataset = None
            for _, callback in self.callbacks_:
                if isinstance(callback, FitTasks):
                    callback.release()
                elif isinstance(callback, EarlyStopping):
                    callback.best_model_weights_ = None

    def partial_fit(
        self, X: FaceDataset, y: None = None, classes: None = None, **fit_params: Any
    ) -> "FERNet":
        """Train for ``max_epochs`` more. Unlike skorch's, it lets Ctrl-C through."""
        if not self.initialized_:
            self.initialize()
        self.dropout_generator_ = torch.Generator(self.device)
        try:
            with (
                torch.enable_grad(),
                dropout_generator(self.module_, self.dropout_generator_),
                notice_interrupt() as self.interrupt_,
            ):
                self.notify("on_train_begin", X=X, y=y)
                with suppress(_StopTraining):
                    self.fit_loop(X, y)
                self.notify("on_train_end", X=X, y=y)
        finally:
            if self.history and "train_loss" not in self.history[-1]:
                self.history.pop()  # an epoch that was broken off
            del self.dropout_generator_, self.interrupt_
        return self

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call all callbacks; a KeyboardInterrupt of their own is a wish to stop."""
        getattr(self, method_name)(self, **kwargs)
        stop = False
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt:
                if self.interrupt_.is_set():
                    raise
                stop = True
        if stop:
            raise _StopTraining

    def on_epoch_begin(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Seed all that is random in the epoch."""
        super().on_epoch_begin(net, *args, **kwargs)
        sequence = np.random.SeedSequence([self.seed, len(self.history)])
        order, augmentation, dropout = (int(s) for s in sequence.generate_state(3))
        self.order_generator_ = np.random.default_rng(order)
        self.augment_generator_ = torch.Generator().manual_seed(augmentation)
        self.dropout_generator_.manual_seed(dropout)

    def on_epoch_end(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Write the learning rate of the last step into the history."""
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])

    def run_single_epoch(
        self, iterator: BatchIterator | None, training: bool, prefix: str, step_fn: Any, **_: Any
    ) -> None:
        """Go once over the batches; the device is asked for its sums at the end only."""
        if iterator is None:
            return
        sums = torch.zeros(2, device=self.device)
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            sums += self._loss_and_hits(step, batch)
            self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
        loss, hits = (sums / len(iterator.dataset)).tolist()
        if training and not math.isfinite(loss):
            raise ValueError(
                f"the training diverged: the loss is {loss} in epoch {len(self.history)}, at a "
                f"learning rate of {self.optimizer_.param_groups[0]['lr']:.3g}; lower lr"
            )
        before = [row[f"{prefix}_loss"] for row in self.history[:-1] if f"{prefix}_loss" in row]
        self.history.record(f"{prefix}_loss", loss)
        self.history.record(f"{prefix}_loss_best", loss < min(before, default=math.inf))
        self.history.record(f"{prefix}_accuracy", hits)
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def train_step(self, batch: Batch, **_: Any) -> dict[str, Tensor]:
        """Take one step of the optimizer, with scaled gradients where the type is float16."""
        self.optimizer_.zero_grad()
        step = self.train_step_single(batch)
        self.scaler_.unscale_(self.optimizer_)
        self.notify(
            "on_grad_computed",
            named_parameters=TeeGenerator(self.get_all_learnable_params()),
            batch=batch,
            training=True,
        )
        self.scaler_.step(self.optimizer_)
        self.scaler_.update()
        return step

    def train_step_single(self, batch: Batch, **_: Any) -> dict[str, Tensor]:
        """Compute the gradients of one batch."""
        self._set_training(True)
        inputs, target = batch
        with weighted_batch(self.module_, inputs["sample_weight"]):
            logits = self.infer(inputs, augment=self.augmentation)
        loss = self.get_loss(logits, target, X=inputs, training=True)
        self.scaler_.scale(loss).backward()
        return {"loss": loss.detach(), "y_pred": logits.detach()}

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, **_: Any) -> Tensor:
        """Return the weighted loss of a batch."""
        return self.criterion_(y_pred, y_true, X["loss_weight"])

    # -- the network ---------------------------------------------------------------------

    def infer(
        self, x: dict[str, Tensor | None], augment: Augmentation | None = None, **_: Any
    ) -> Tensor:
        """Return the logits of a batch in the chosen precision."""
        device_type = torch.device(self.device).type
        reduced = self.precision != torch.float32
        with torch.autocast(device_type, dtype=self.precision, enabled=reduced):
            prepared = self.module_.prepare(x["images"])
            if augment is not None:
                prepared = augment(prepared, self.augment_generator_)
            return self.module_.network(prepared)

    def evaluation_step(self, batch: Batch, training: bool = False) -> Tensor:
        """Return what :meth:`predict_proba` takes the softmax of."""
        logits = super().evaluation_step(batch, training=training).float()
        if not self.tta:
            return logits
        inputs, target = batch
        mirrored = {**inputs, "images": inputs["images"].flip(2)}
        other = super().evaluation_step((mirrored, target), training=training).float()
        # The softmax of the log of the mean probabilities is that mean.
        return torch.logaddexp(logits.log_softmax(1), other.log_softmax(1))

    # -- helpers -------------------------------------------------------------------------

    def _shuffled(self, n_samples: int) -> NDArray[np.intp]:
        return self.order_generator_.permutation(n_samples)

    @staticmethod
    def _loss_and_hits(step: dict[str, Tensor], batch: Batch) -> Tensor:
        target = batch[1]
        classes = target.argmax(1) if target.is_floating_point() else target
        hits = (step["y_pred"].argmax(1) == classes).sum()
        return torch.stack([step["loss"].detach().float() * len(classes), hits.float()])


def _shaping(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the settings that decide what an optimizer's state looks like."""
    return {k: v for k, v in optimizer.defaults.items() if k not in ("lr", "weight_decay")}


def _softmax(logits: Tensor) -> Tensor:
    return logits.float().softmax(1)
