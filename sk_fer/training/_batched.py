"""Training of several nets, those of equal small networks as one computation."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from torch import nn

from sk_fer.training._batched_layers import plain_layers
from sk_fer.training._batched_loop import Fit, JointTraining, same_batches, schedule_of
from sk_fer.training._dataset import FaceDataset
from sk_fer.training._loss import WeightedCrossEntropy
from sk_fer.training._net import FERNet
from sk_fer.training._paused import PausedTraining
from sk_fer.training._ranks import n_ranks

# If fewer nets have space, they are slower together than one by one, unless they share their
# batches: 0.7 times as fast for layers of 512, 256 and 128 units.
FEWEST = 16


def train_together(
    fits: list[tuple[FERNet, FaceDataset, FaceDataset | None, PausedTraining | None]],
    *,
    most_bytes: int,
) -> list[Exception | None]:
    """Train several nets, those of equal networks together in each step.

    Each net is trained as by its ``partial_fit``: from the same initial weights, with the same
    batches, random numbers, learning rates and callbacks of epochs. The results differ only by
    the rounding of sums. Also the epochs after a pause are trained together.

    Parameters
    ----------
    fits : list of (FERNet, FaceDataset, FaceDataset or None, PausedTraining or None)
        The nets, which are initialized, with their training and validation images, and the part
        of the training, or None for the whole training.
    most_bytes : int
        The largest memory of the weights that are trained together. If it has no space for 16
        nets, only nets with the same batches are trained together.

    Returns
    -------
    list of (ValueError or None)
        For each fit, the error that ended it, if its training diverged.
    """
    found = [Fit(*fit) for fit in fits]
    errors: list[Exception | None] = [None] * len(found)
    groups: dict[Any, list[int]] = {}
    for i, fit in enumerate(found):
        groups.setdefault(_kind_of(fit) or i, []).append(i)
    for members in groups.values():
        streams: dict[Any, list[int]] = {}
        for i in members:
            streams.setdefault(same_batches(found[i]), []).append(i)
        layers = plain_layers(found[members[0]].net.module_, found[members[0]].train.kind)
        n_bytes = 0 if layers is None else _n_bytes(layers)
        most = max(1, most_bytes // n_bytes) if n_bytes else 1
        joined = [list(chain.from_iterable(streams.values()))]
        if n_bytes > most_bytes // FEWEST:
            joined = list(streams.values())
        for part in chain.from_iterable(np.array_split(j, -(-len(j) // most)) for j in joined):
            if len(part) == 1:
                errors[part[0]] = _train_alone(found[part[0]])
            else:
                joint = JointTraining([found[i] for i in part])
                for i, error in zip(part, joint.run(), strict=True):
                    errors[i] = error
    cooled = [i for i, fit in enumerate(found) if errors[i] is None and _begin_cool_down(fit)]
    if cooled:
        copies: list[Any] = [(found[i].net, found[i].train, None, None) for i in cooled]
        for i, error in zip(cooled, train_together(copies, most_bytes=most_bytes), strict=True):
            errors[i] = error
    return errors


def _begin_cool_down(fit: Fit) -> bool:
    return fit.pause is not None and fit.pause.begin_cool_down(fit.net)


def _train_alone(fit: Fit) -> Exception | None:
    try:
        fit.net.partial_fit(fit.train, valid=fit.valid, checkpoints=fit.pause)
    except ValueError as error:
        return error
    return None


def _n_bytes(layers: list[nn.Module]) -> int:
    return sum(weight.nbytes for layer in layers for weight in layer.parameters())


def _kind_of(fit: Fit) -> Any:
    """Return what fits must have in common to be trained together, or None if they cannot be."""
    net = fit.net
    layers = plain_layers(net.module_, fit.train.kind)
    if (
        layers is None
        or (fit.pause is not None and fit.pause.stopped)
        or n_ranks() > 1  # which share the batches of one fit
        or net.scaler_.is_enabled()
        or not isinstance(net.criterion_, WeightedCrossEntropy)
        or type(net.criterion_).forward is not WeightedCrossEntropy.forward
        or any(_hooks(layer) for layer in net.module_.modules())
    ):
        return None
    schedule = schedule_of(net)
    return (
        tuple((type(x), *(tuple(weight.shape) for weight in x.parameters())) for x in layers),
        -(-len(fit.train) // net.batch_size),
        net.max_epochs,
        None if fit.pause is None else fit.pause.part,
        None if schedule is None else (schedule.factor, schedule.n_epochs),
        net.precision,
        str(net.device),
        fit.train.kind,
        net.module_.prepare.normalize,
        fit.train.targets.ndim,
        type(net.criterion_),
        net.optimizer,
        fit.valid is None,
        fit.train.loss_weight is None,
    )


def _hooks(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks)
