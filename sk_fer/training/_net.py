"""The training loop of skorch, without its costs per sample and per batch."""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import EarlyStopping, EpochTimer, PrintLog
from skorch.utils import TeeGenerator
from torch import Tensor

from sk_fer.modules import FaceModule, dropout_generator, weighted_batch
from sk_fer.training._augment import Augmentation
from sk_fer.training._batches import Batch, BatchIterator
from sk_fer.training._callback_net import CallbackNet
from sk_fer.training._checkpoints import Checkpoints
from sk_fer.training._dataset import FaceDataset, StoredFeatures
from sk_fer.training._device import fastest_convolutions
from sk_fer.training._divergence import DivergenceWatch
from sk_fer.training._evaluation import LARGEST_BATCH, EvaluationForm
from sk_fer.training._halving import Halving, Part
from sk_fer.training._interrupt import before_termination, notice_interrupt
from sk_fer.training._memory import reuse_memory


class _StopTraining(Exception):
    """A callback requests the end of the fit after this epoch."""


class FERNet(CallbackNet):
    """A skorch classifier over a :class:`sk_fer.modules.FaceModule`.

    skorch's callbacks, history and ``save_params`` work as usual. The differences are: batches
    are an index into arrays, augmentation and normalization run on the device, loss and accuracy
    are collected there and read once per epoch, Ctrl-C is not ignored, and all random numbers of
    an epoch depend only on `seed` and the number of the epoch.

    Parameters
    ----------
    module : FaceModule
        The network.
    seed : int, default=0
        The seed of the order of the samples, the augmentation and dropout.
    augmentation : Augmentation, default=None
        The random changes of the training images.
    precision : torch.dtype, default=torch.float32
        The type in which matrix products are computed.
    weight_decay : float, default=0.0
        The L2 penalty on weights. Biases and normalization layers have none.
    lr_factors : mapping of str to float, default=None
        The learning rate of parameters as a share of `lr`, by the beginning of their names in
        the module.
    **kwargs
        The parameters of ``skorch.NeuralNetClassifier``.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        precision: torch.dtype = torch.float32,
        weight_decay: float = 0.0,
        lr_factors: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        fixed = {"train_split": None, "predict_nonlinearity": _softmax}
        super().__init__(module, **{**fixed, **kwargs})
        self.seed = seed
        self.augmentation = augmentation
        self.precision = precision
        self.weight_decay = weight_decay
        self.lr_factors = lr_factors
        self.valid_dataset: FaceDataset | None = None
        self.checkpoints: Checkpoints | None = None
        self.train_halving = Halving(
            "Gradients are added up to those of the whole batch, but batch normalization sees "
            "the parts alone."
        )
        self.evaluation_halving = Halving("Predictions do not change.")

    # -- parts of the net -----------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.initialized_:
            self.evaluation_form_ = EvaluationForm(self.module_)

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def initialize_module(self) -> "FERNet":
        """Use the module itself, in the memory layout in which convolutions are fastest."""
        self.module_ = self.module.to(memory_format=torch.channels_last).eval()
        self.evaluation_form_ = EvaluationForm(self.module_)
        return self

    def torch_compile(self, module: Any, name: str) -> Any:
        """Compile the network in place where skorch's `compile` asks for it.

        ``torch.compile`` would wrap it and put a prefix before the keys of saved weights.
        """
        if self.compile and name == "module":
            module.network.compile(**self.get_params_for("compile"))
        return module

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> "FERNet":
        """Build the optimizer, with weight decay on matrices and filters only."""
        named_parameters = list(self.get_all_learnable_params())
        _, settings = self.get_params_for_optimizer("optimizer", named_parameters)
        device_type = torch.device(self.device).type
        # Fused SGD fails where parameters thaw at different times, and reads memory that
        # nobody wrote where a step of float16 was left out.
        may_fuse = "fused" in signature(self.optimizer).parameters
        if may_fuse and device_type in ("cpu", "cuda") and self.optimizer is not torch.optim.SGD:
            settings["fused"] = True
        groups = []
        for prefix, factor in {"": 1.0, **(self.lr_factors or {})}.items():
            own = [p for name, p in named_parameters if self._lr_prefix(name) == prefix]
            decayed = [p for p in own if p.ndim > 1]
            others = [p for p in own if p.ndim <= 1]
            for parameters, decay in ((decayed, self.weight_decay), (others, 0.0)):
                # The schedulers of torch start from "initial_lr" when a fit continues.
                rate = {"lr": self.lr * factor, "lr_factor": factor}
                rate["initial_lr"] = rate["lr"]
                groups.append({"params": parameters, "weight_decay": decay, **rate})
        self.optimizer_ = self.optimizer(groups, **settings)
        self.scaler_ = torch.amp.GradScaler(device_type, enabled=self.precision == torch.float16)
        return self

    def get_dataset(self, X: Any, y: Any = None) -> FaceDataset:
        """Return `X` as the data set from which batches are taken."""
        if isinstance(X, FaceDataset):
            return X
        if isinstance(X, Mapping):  # the inputs of a batch
            if StoredFeatures.kind in X:
                features = X[StoredFeatures.kind].cpu().numpy()
                return StoredFeatures(features, FaceDataset(features, y))
            X = X["images"].cpu().numpy()
        return FaceDataset(X, y)

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
        """Return the training data and the validation data of :meth:`fit_datasets`."""
        return self.get_dataset(X, y), self.valid_dataset

    def take_optimizer_state(self, other: "FERNet") -> None:
        """Continue with the moments of another net that has the same module.

        Parameters
        ----------
        other : FERNet
            The other net. Nothing happens if it has another optimizer.
        """
        if type(self.optimizer_) is not type(other.optimizer_) or (
            _shaping(self.optimizer_) != _shaping(other.optimizer_)
        ):
            return
        own = self.optimizer_.state_dict()
        state = other.optimizer_.state_dict()["state"]
        self.optimizer_.load_state_dict({**own, "state": state})
        self._note_schedulers(other)

    # -- the loop ------------------------------------------------------------------------

    def fit_datasets(
        self,
        train: FaceDataset,
        valid: FaceDataset | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> "FERNet":
        """Train for ``max_epochs`` more epochs, without keeping a reference to the data.

        Parameters
        ----------
        train : FaceDataset
            The training images.
        valid : FaceDataset, default=None
            The validation images.
        checkpoints : Checkpoints, default=None
            The checkpoints to restore and to write.

        Returns
        -------
        FERNet
            The net itself.
        """
        self.valid_dataset = valid
        self.checkpoints = checkpoints
        flush = nullcontext() if checkpoints is None else before_termination(checkpoints.flush)
        try:
            with flush:
                try:
                    return self.partial_fit(train)
                finally:
                    if checkpoints is not None:
                        checkpoints.flush()
        finally:
            self.valid_dataset = self.checkpoints = None
            self._release_callbacks()

    def partial_fit(
        self, X: FaceDataset, y: None = None, classes: None = None, **fit_params: Any
    ) -> "FERNet":
        """Train for ``max_epochs`` more epochs. Unlike in skorch, Ctrl-C is raised."""
        if not self.initialized_:
            self.initialize()
        self.dropout_generator_ = torch.Generator(self.device)
        try:
            with (
                torch.enable_grad(),
                reuse_memory(),
                fastest_convolutions(),
                dropout_generator(self.module_, self.dropout_generator_),
                notice_interrupt() as self.interrupt_,
            ):
                self.notify("on_train_begin", X=X, y=y)
                self._continue_schedulers()
                epochs = self.checkpoints.restore(self) if self.checkpoints else self.max_epochs
                try:
                    with suppress(_StopTraining):
                        self.fit_loop(X, y, epochs=epochs)
                except KeyboardInterrupt:
                    self._drop_unfinished_epoch()
                    self._warn_of_interrupt()
                    if self.history:
                        self._undo_steps_after_the_best_epoch()
                        self.notify("on_train_end", X=X, y=y)
                    raise
                self.notify("on_train_end", X=X, y=y)
        finally:
            self.module_.eval()
            self._drop_unfinished_epoch()
            del self.dropout_generator_, self.interrupt_
        return self

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call all callbacks. If one raises a KeyboardInterrupt, the fit stops."""
        getattr(self, method_name)(self, **kwargs)
        stop = self._notify_callbacks(method_name, **kwargs)
        if method_name == "on_epoch_end" and self.checkpoints is not None:
            # A callback could not do this. It would not know that another one stops the fit.
            self.checkpoints.save(self, stopped=stop)
        if stop:
            raise _StopTraining

    def on_epoch_begin(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Seed the random number generators of the epoch."""
        super().on_epoch_begin(net, *args, **kwargs)
        sequence = np.random.SeedSequence([self.seed, len(self.history)])
        order, augmentation, dropout = (int(s) for s in sequence.generate_state(3))
        self.order_generator_ = np.random.default_rng(order)
        self.augment_generator_ = torch.Generator().manual_seed(augmentation)
        self.dropout_generator_.manual_seed(dropout)

    def on_epoch_end(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Write the learning rate of the last step into the history."""
        self.history.record("lr", float(self.optimizer_.param_groups[0]["lr"]))

    def run_single_epoch(
        self, iterator: BatchIterator | None, training: bool, prefix: str, step_fn: Any, **_: Any
    ) -> None:
        """Run all batches once. The sums are read from the device only at the end."""
        if iterator is None:
            return
        sums = torch.zeros(2, device=self.device)
        watch = None
        if training:
            super()._set_training(True)  # callbacks may have changed the mode
            stored = iterator.dataset.kind == StoredFeatures.kind
            learning = self.module_.network.head if stored else self.module_
            watch = DivergenceWatch(self, learning, len(iterator))
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            sums += self._loss_and_hits(step, batch)
            if watch is not None:
                watch.note(step["loss"])
            self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
            self.history.record_batch_loss(f"{prefix}_loss", step["loss"])
            self.notify("on_batch_end", batch=batch, training=training, **step)
        loss, hits = (sums / len(iterator.dataset)).tolist()
        if watch is not None:
            watch.check()
        for name, value, sign in (("loss", loss, 1), ("accuracy", hits, -1)):
            column = f"{prefix}_{name}"
            before = [sign * row[column] for row in self.history[:-1] if column in row]
            self.history.record(column, value)
            self.history.record(f"{column}_best", sign * value < min(before, default=math.inf))
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def train_step(self, batch: Batch, **_: Any) -> dict[str, Tensor]:
        """Take one step of the optimizer, with scaled gradients where the type is float16."""
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
        return self.train_halving.run(self._gradients, batch)

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
                logits = self.infer(inputs, augment=self.augmentation)
            loss = self.get_loss(logits, target, X=inputs, training=True) * share
            self.scaler_.scale(loss).backward()
            losses.append(loss.detach())
            outputs.append(logits.detach())
        return {"loss": torch.stack(losses).sum(), "y_pred": torch.cat(outputs)}

    def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any = None, **_: Any) -> Tensor:
        """Return the weighted loss of a batch."""
        return self.criterion_(y_pred, y_true, X["loss_weight"])

    # -- the network ---------------------------------------------------------------------

    def infer(self, x: dict[str, Tensor], augment: Augmentation | None = None, **_: Any) -> Tensor:
        """Return the logits of a batch in the chosen precision."""
        if StoredFeatures.kind in x:
            return self._in_precision(self.module_.network.head, x[StoredFeatures.kind])
        return self._logits(self.module_, x["images"], augment)

    def _logits(
        self, module: FaceModule, images: Tensor, augment: Augmentation | None = None
    ) -> Tensor:
        changed = module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module)
        if augment is None and changed:
            return self._in_precision(module, images)
        prepared = module.prepare(images)
        if augment is not None:
            prepared = augment(prepared, self.augment_generator_)
        # Images are moved in float32, because bfloat16 would round the positions of pixels.
        return self._in_precision(module.network, prepared)

    def _in_precision(self, layers: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        reduced = self.precision != torch.float32
        with torch.autocast(x.device.type, dtype=self.precision, enabled=reduced):
            return layers(x)

    def forward_iter(
        self, X: Any, training: bool = False, device: str = "cpu", *, tta: bool = False
    ) -> Iterator[Tensor]:
        """Yield the logits of large batches, on `device`; with `tta`, over mirror images too."""
        dataset = self.get_dataset(X)
        if self.evaluation_form_.module is not self.module_:  # another module was set
            self.evaluation_form_ = EvaluationForm(self.module_)
        module = self.evaluation_form_.module_for(len(dataset))
        evaluate = partial(self._evaluate, module, tta=tta)
        for batch in self._large_batches(dataset):
            yield self._in_parts(evaluate, batch).to(device)

    def logits(self, X: Any, *, tta: bool = False) -> Tensor:
        """Return the logits of images on the CPU.

        Parameters
        ----------
        X : FaceDataset or array-like
            The images.
        tta : bool, default=False
            Whether they are the logarithms of the mean probabilities of an image and its mirror
            image.

        Returns
        -------
        torch.Tensor of shape (n_samples, n_classes)
            The logits.
        """
        return torch.cat(list(self.forward_iter(X, tta=tta)))

    def features(self, dataset: FaceDataset, kind: str) -> NDArray[np.float32]:
        """Return the features that the backbone extracts from images.

        Parameters
        ----------
        dataset : FaceDataset
            The images.
        kind : {"features", "pooled"}
            The input of the head, or the pooled features.

        Returns
        -------
        ndarray of shape (n_samples, ...)
            The features.
        """
        # Not the fused form: a head would learn from its rounding, and predict without it.
        module = self.module_.eval()

        def run(inputs: dict[str, Tensor]) -> Tensor:
            network: Any = module.network

            def layers(x: Tensor) -> Tensor:
                if kind == "features":
                    return network.features(x)
                return network.pooled(network.backbone.forward_features(x))

            return self._in_precision(layers, module.prepare(inputs["images"])).float()

        return np.concatenate(
            [self._in_parts(run, batch).cpu().numpy() for batch in self._large_batches(dataset)]
        )

    def predict(self, X: Any) -> NDArray:
        """Return the label of each sample, as it is among ``classes_``."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _large_batches(self, dataset: FaceDataset) -> Iterator[Batch]:
        batch_size = LARGEST_BATCH
        if dataset.kind == "images":
            batch_size = self.evaluation_form_.batch_size(
                dataset.X.shape[1:], torch.device(self.device)
            )
        with reuse_memory() if len(dataset) > batch_size else nullcontext():
            yield from BatchIterator(dataset, batch_size, self.device)

    @torch.inference_mode()
    def _in_parts(self, function: Callable[[dict[str, Tensor]], Tensor], batch: Batch) -> Tensor:
        """Apply a function without gradients, to parts of a batch where memory is short."""
        return self.evaluation_halving.run(
            lambda parts: torch.cat([function(inputs) for (inputs, _), _ in parts]), batch
        )

    def _evaluate(
        self, module: FaceModule, inputs: dict[str, Tensor], *, tta: bool = False
    ) -> Tensor:
        """Return the logits, of which :meth:`predict_proba` returns the softmax."""
        if StoredFeatures.kind in inputs:
            network: Any = self.module_.network  # no copy is fused for a head alone
            return self._in_precision(network.head, inputs[StoredFeatures.kind]).float()
        images = inputs["images"]
        logits = self._logits(module, images).float()
        if not tta:
            return logits
        mirrored = self._logits(module, images.flip(2)).float().log_softmax(1)
        # The softmax of the log of the mean probabilities is that mean.
        return torch.logaddexp(logits.log_softmax(1), mirrored) - math.log(2)

    # -- helpers -------------------------------------------------------------------------

    def _lr_prefix(self, name: str) -> str:
        return next((p for p in self.lr_factors or () if name.startswith(p)), "")

    def _drop_unfinished_epoch(self) -> None:
        if self.history and "dur" not in self.history[-1]:
            self.history.pop()

    def _undo_steps_after_the_best_epoch(self) -> None:
        """Load the best weights if they are those of the last complete epoch.

        ``EarlyStopping`` of skorch then assumes that the net has them, and does not load them.
        """
        for _, callback in self.callbacks_:
            if (
                isinstance(callback, EarlyStopping)
                and callback.best_model_weights_ is not None
                and callback.best_epoch_ == self.history[-1, "epoch"]
            ):
                self.module_.load_state_dict(callback.best_model_weights_)

    def _warn_of_interrupt(self) -> None:
        with suppress(UserWarning):  # if warnings are errors, Ctrl-C is still raised
            warnings.warn(
                "the fit was interrupted; the estimator keeps its weights after "
                f"{len(self.history)} complete epochs and a part of one",
                stacklevel=4,
            )

    def _shuffled(self, n_samples: int) -> NDArray[np.intp]:
        return self.order_generator_.permutation(n_samples)

    @staticmethod
    def _loss_and_hits(step: dict[str, Tensor], batch: Batch) -> Tensor:
        target = batch[1]
        classes = target.argmax(1) if target.is_floating_point() else target
        hits = (step["y_pred"].argmax(1) == classes).sum()
        return torch.stack([step["loss"].detach().float() * len(classes), hits.float()])


def _shaping(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the settings on which the form of the state of an optimizer depends."""
    return {k: v for k, v in optimizer.defaults.items() if k not in ("lr", "weight_decay")}


def _softmax(logits: Tensor) -> Tensor:
    return logits.float().softmax(1)
