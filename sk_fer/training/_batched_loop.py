"""The loop that trains several nets together, with the random numbers and callbacks of each."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import zip_longest
from typing import Any, NamedTuple

import torch
from skorch.callbacks import EarlyStopping
from torch import Tensor

from sk_fer.training._batched_layers import DropoutMasks, StackedLayers, plain_layers
from sk_fer.training._batches import Batch, BatchIterator
from sk_fer.training._dataset import FaceDataset
from sk_fer.training._divergence import DivergenceWatch
from sk_fer.training._forward import layers_for
from sk_fer.training._net import FERNet
from sk_fer.training._paused import PausedTraining
from sk_fer.training._schedules import ProgressSchedule


class Fit(NamedTuple):
    """A net with the data that it is to be trained on, and the part of its training."""

    net: FERNet
    train: FaceDataset
    valid: FaceDataset | None
    pause: PausedTraining | None


def schedule_of(net: FERNet) -> ProgressSchedule | None:
    found = [c for _, c in net.callbacks_ if isinstance(c, ProgressSchedule)]
    return found[0] if found else None


def same_batches(fit: Fit) -> tuple[Any, ...]:
    """Return what fits have in common that see the same batches."""
    net, prepare = fit.net, fit.net.module_.prepare
    arrays = (fit.train, *([] if fit.valid is None else [fit.valid]))
    return (
        net.seed,
        net.batch_size,
        prepare.normalize,
        prepare.input_size,
        *(value.cpu().numpy().tobytes() for value in prepare.state_dict().values()),
        repr(vars(net.augmentation)) if net.augmentation else None,
        *(id(data.X) for data in arrays),
        *(
            None if array is None else array.tobytes()
            for data in arrays
            for array in (data.rows, data.y, data.loss_weight)
        ),
    )


class JointTraining:
    """The training of several nets, whose steps are computed together.

    Parameters
    ----------
    fits : list of Fit
        The nets and their data. All nets have the same layers, number of batches in an epoch,
        number of epochs, schedule, kind of optimizer, device and precision.
    """

    def __init__(self, fits: list[Fit]) -> None:
        self.fits = fits
        self.errors: list[Exception | None] = [None] * len(fits)
        net = fits[0].net
        self.device = torch.device(net.device)
        self.precision = net.precision

    def run(self) -> list[Exception | None]:
        """Train the nets, and return the error of each one that diverged."""
        with ExitStack() as stack:
            for net, train, _, pause in self.fits:
                stack.enter_context(net._fit_context(None))
                net.check_training_readiness()
                net.notify("on_train_begin", X=train, y=None)
                n_epochs = net.max_epochs if pause is None else pause.restore(net)
            self.stoppings = [_best_weights_of(fit.net) for fit in self.fits]
            if n_epochs:
                self._train(n_epochs)
            for (net, train, _, _), stopping, error in zip(
                self.fits, self.stoppings, self.errors, strict=True
            ):
                if stopping is not None:
                    stopping.load_best = True
                if error is None and net.history:  # it may have paused before the first epoch
                    net.notify("on_train_end", X=train, y=None)
        return self.errors

    def _train(self, n_epochs: int) -> None:
        active = list(range(len(self.fits)))
        self._arrange(active)
        try:
            first = len(self.nets[0].history) - self.nets[0].n_epochs_before_
            for epoch in range(first, first + n_epochs):
                ended = self._run_epoch(epoch)
                if not ended:
                    continue
                active = [i for i in active if i not in ended]
                if not active:
                    break
                self.stacked.release()
                self._arrange(active)
        finally:
            self.stacked.release()

    def _arrange(self, active: list[int]) -> None:
        """Stack the weights of the fits that continue, those with the same batches together."""
        streams: dict[Any, list[int]] = {}
        for i in active:
            streams.setdefault(same_batches(self.fits[i]), []).append(i)
        self.active = [i for members in streams.values() for i in members]
        self.nets = [self.fits[i].net for i in self.active]
        counts = [len(members) for members in streams.values()]
        self.stream_of = [s for s, count in enumerate(counts) for _ in range(count)]
        self.leads = [self.fits[members[0]] for members in streams.values()]
        layers = [
            plain_layers(self.fits[i].net.module_, self.fits[i].train.kind) for i in self.active
        ]
        self.layers = [each for each in layers if each is not None]
        self.stacked = StackedLayers(self.layers, counts)
        self.losses: dict[str, list[int]] = {}
        for k, net in enumerate(self.nets):
            self.losses.setdefault(repr(vars(net.criterion_)), []).append(k)
        self.train_batches = [
            BatchIterator(train, net.batch_size, self.device, net._shuffled)
            for net, train, *_ in self.leads
        ]
        self.valid_batches = [
            BatchIterator(valid, net.batch_size, self.device)
            for net, _, valid, _ in self.leads
            if valid is not None
        ]

    # -- an epoch --------------------------------------------------------------------------

    def _run_epoch(self, epoch: int) -> set[int]:
        """Train and validate all nets for an epoch, and return the fits that have ended."""
        data = [
            {"dataset_train": self.fits[i].train, "dataset_valid": self.fits[i].valid}
            for i in self.active
        ]
        for net, datasets in zip(self.nets, data, strict=True):
            net.notify("on_epoch_begin", **datasets)
        ended = self._train_epoch(epoch)
        if self.valid_batches:
            self._valid_epoch()
        for i, net, datasets in zip(self.active, self.nets, data, strict=True):
            if i in ended:
                continue
            net.on_epoch_end(net, **datasets)
            stopped = net._call_callbacks("on_epoch_end", **datasets)
            stopping = self.stoppings[i]
            if stopping is not None and stopping.best_epoch_ == len(net.history):
                stopping.best_model_weights_ = _trained_copied(net, self.fits[i].train.kind)
            pause = self.fits[i].pause
            if pause is not None:
                pause.save(net, stopped=stopped)
            if stopped:
                ended.add(i)
        return ended

    def _train_epoch(self, epoch: int) -> set[int]:
        """Take the steps of an epoch, and return the fits that diverged."""
        n_batches = len(self.train_batches[0])
        trains = [self.fits[i].train for i in self.active]
        watches = [
            DivergenceWatch(net, layers_for(net.module_, train.kind), n_batches)
            for net, train in zip(self.nets, trains, strict=True)
        ]
        masks = DropoutMasks(
            self.layers,
            [net.dropout_generator_ for net in self.nets],
            [(net.seed, len(train)) for net, train in zip(self.nets, trains, strict=True)],
        )
        optimizer = self._common_optimizer()
        schedule = schedule_of(self.nets[0])
        factors = []
        sums = _Sums()
        for number, batches in enumerate(zip(*self.train_batches, strict=True)):
            if schedule is not None:
                factors.append(schedule.factor((epoch + number / n_batches) / schedule.n_epochs))
                for group in optimizer.param_groups:
                    group["lr"] = group["initial_lr"] * factors[-1]
            masks.sizes = [len(batches[s][1]) for s in self.stream_of]
            losses, hits = self._measure(list(batches), masks)
            self.stacked.set_gradients(losses.sum())
            with self.nets[0]._step_precision():
                optimizer.step()
            sums.add(masks.sizes, losses, hits)
        self._hand_back(optimizer, factors)
        losses = sums.record("train", self.nets)
        ended = set()
        for i, net, watch, own in zip(self.active, self.nets, watches, losses, strict=True):
            rate = net.optimizer_.param_groups[0]["lr"]
            first = net.optimizer_.param_groups[0]["initial_lr"]
            watch.losses = own
            watch.rates = [first * factor for factor in factors] or [rate] * n_batches
            try:
                watch.check()
            except ValueError as error:
                self.errors[i] = error
                ended.add(i)
        return ended

    @torch.no_grad()
    def _valid_epoch(self) -> None:
        """Measure the losses and accuracies on the validation images."""
        sums = _Sums()
        last: list[Batch] = []
        for found in zip_longest(*self.valid_batches):
            # Nets with fewer batches have empty ones at the end.
            last = [batch or _emptied(before) for batch, before in zip_longest(found, last)]
            sums.add([len(last[s][1]) for s in self.stream_of], *self._measure(last))
        sums.record("valid", self.nets)

    # -- a step ----------------------------------------------------------------------------

    def _measure(
        self, batches: list[Batch], masks: DropoutMasks | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the loss and the number of right predictions of each net on its batch."""
        inputs = [next(iter(values.values())) for values, _ in batches]
        if self.leads[0].train.kind == "images":
            inputs = self._prepared(inputs, augment=masks is not None)
        reduced = self.precision != torch.float32
        with torch.autocast(self.device.type, dtype=self.precision, enabled=reduced):
            logits = self.stacked(inputs, masks).float()
        target = self._stacked([y for _, y in batches], -1)
        classes = target.argmax(2) if target.is_floating_point() else target
        parts = []
        for members in self.losses.values():
            alone = len(self.losses) == 1
            own, wanted = (logits, target) if alone else (logits[members], target[members])
            losses = self.nets[members[0]].criterion_.losses(
                own.flatten(0, 1), wanted.flatten(0, 1)
            )
            parts.append(losses.view(own.shape[:2]))
        losses = torch.cat(parts)
        if len(parts) > 1:
            order = [k for members in self.losses.values() for k in members]
            losses = losses[torch.tensor(order).argsort()]
        losses = (losses * self._stacked([_shares(batch) for batch in batches], 0)).sum(1)
        return losses, (logits.argmax(2) == classes).sum(1)

    def _prepared(self, images: list[Tensor], *, augment: bool) -> list[Tensor]:
        """Return the normalized images of each batch."""
        nets = [fit.net for fit in self.leads]
        if nets[0].module_.prepare.normalize == "dataset":
            prepared = [net.module_.prepare(x) for net, x in zip(nets, images, strict=True)]
        else:
            together = nets[0].module_.prepare(torch.cat(images))
            prepared = list(together.split([len(x) for x in images]))
        if not augment:
            return prepared
        return [
            x if net.augment_ is None else net.augment_(x)
            for net, x in zip(nets, prepared, strict=True)
        ]

    def _stacked(self, tensors: list[Tensor], padding: int) -> Tensor:
        """Return the tensor of each net, padded to the same length."""
        size = max(map(len, tensors))
        padded = [
            torch.cat([x, x.new_full((size - len(x), *x.shape[1:]), padding)])
            if len(x) < size
            else x
            for x in tensors
        ]
        stacked = torch.stack(padded)
        return stacked[torch.tensor(self.stream_of, device=stacked.device)]

    # -- the optimizer ---------------------------------------------------------------------

    def _common_optimizer(self) -> torch.optim.Optimizer:
        """Return an optimizer of all nets, with their rates, other settings and state."""
        stacked = {id(weight) for part in self.stacked.members for weight in part}
        groups: dict[str, dict[str, Any]] = {}
        for net in self.nets:
            for group in net.optimizer_.param_groups:
                settings = {name: value for name, value in group.items() if name != "params"}
                own = [weight for weight in group["params"] if id(weight) in stacked]
                common = groups.setdefault(repr(settings), {"params": [], **settings})
                common["params"] += own
        optimizer = self.nets[0].optimizer([group for group in groups.values() if group["params"]])
        for net in self.nets:
            for weight, state in net.optimizer_.state.items():
                if id(weight) in stacked:
                    optimizer.state[weight] = state
        return optimizer

    def _hand_back(self, optimizer: torch.optim.Optimizer, factors: list[float]) -> None:
        """Give the optimizer of each net its state, and the last rates to its schedule, too."""
        for net in self.nets:
            for group in net.optimizer_.param_groups:
                if factors:
                    group["lr"] = group["initial_lr"] * factors[-1]
                for weight in group["params"]:
                    if weight in optimizer.state:
                        net.optimizer_.state[weight] = optimizer.state[weight]
            schedule = schedule_of(net)
            if schedule is not None:  # which compares them if the net continues alone
                rates = [group["lr"] for group in net.optimizer_.param_groups]
                schedule.last_rates_ = schedule.scheduled_rates_ = rates


class _Sums:
    """The sizes, losses and right predictions of the batches of an epoch, on the device."""

    def __init__(self) -> None:
        self.sizes: list[list[int]] = []
        self.losses: list[Tensor] = []
        self.hits: list[Tensor] = []

    def add(self, sizes: list[int], losses: Tensor, hits: Tensor) -> None:
        """Add a batch of each net."""
        self.sizes.append(sizes)
        self.losses.append(losses.detach())
        self.hits.append(hits)

    def record(self, prefix: str, nets: list[FERNet]) -> Tensor:
        """Write the epoch into the history of each net, and return the losses of its batches."""
        losses = torch.stack(self.losses, 1).cpu()
        hits = torch.stack(self.hits).sum(0).tolist()
        values = losses.tolist()
        for k, net in enumerate(nets):
            sizes = [size[k] for size in self.sizes if size[k]]
            n_samples = sum(sizes)
            rows = [
                {f"{prefix}_batch_size": size, f"{prefix}_loss": value}
                for size, value in zip(sizes, values[k], strict=False)
            ]
            net.history[-1]["batches"].extend(rows)
            total = sum(size * value for size, value in zip(sizes, values[k], strict=False))
            net._record_epoch(prefix, total / n_samples, hits[k] / n_samples, len(sizes))
        return losses


def _shares(batch: Batch) -> Tensor:
    """Return the share of each sample in the loss of its batch."""
    (inputs, target), n_samples = batch, max(len(batch[1]), 1)
    if inputs["loss_weight"] is None:
        return torch.full((len(target),), 1 / n_samples, device=target.device)
    return inputs["loss_weight"] / n_samples


def _emptied(batch: Batch) -> Batch:
    inputs, target = batch
    return {k: None if v is None else v[:0] for k, v in inputs.items()}, target[:0]


def _trained_copied(net: FERNet, kind: str) -> dict[str, Tensor]:
    """Return the state of a net, with copies of the weights that are trained."""
    trained = {id(value) for value in layers_for(net.module_, kind).parameters()}
    state = net.module_.state_dict(keep_vars=True)
    return {k: v.detach().clone() if id(v) in trained else v.detach() for k, v in state.items()}


def _best_weights_of(net: FERNet) -> EarlyStopping | None:
    """Return the callback that would copy the best weights, and turn its copies off.

    It would copy all memory that the weights are views of.
    """
    for _, callback in net.callbacks_:
        if isinstance(callback, EarlyStopping) and callback.load_best:
            callback.load_best = False
            return callback
    return None
