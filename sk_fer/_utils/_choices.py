"""The losses, optimizers, schedules and changes of images by name, read without importing torch.

The constraints and the documentation of the parameters `criterion`, `optimizer`, `lr`, `momentum`,
`weight_decay`, `lr_schedule` and `augment` come from these tables.
"""

from pkgutil import resolve_name
from typing import Any, NamedTuple


class Loss(NamedTuple):
    """A value of `criterion`."""

    piece: str
    """The class of the loss with its module."""
    text: str
    """What it does, as the end of a sentence that begins with its name."""


class Optimizer(NamedTuple):
    """A value of `optimizer`, with the values of the parameters that are "auto"."""

    piece: str
    """The class of the optimizer with its module."""
    lr: float
    momentum: float | None = None
    """None if the optimizer has no momentum."""
    weight_decay: float = 0.0
    text: str = ""
    """What it does, as the end of a sentence that begins with its name. Empty if it is known."""


class Schedule(NamedTuple):
    """A value of `lr_schedule`."""

    piece: str | None
    """The function from the progress of a fit, 0 to 1, to a factor of the learning rate, with its
    module. None for a schedule that depends on the losses."""
    text: str
    """What it does, as the end of a sentence that begins with its name."""


class Change(NamedTuple):
    """A key of `augment`: a random change of images."""

    limit: float
    """The largest strength."""
    text: str
    """The meaning of the strength."""
    piece: str | None = None
    """The function from images, a strength and a generator to changed images, with its module. None
    for the changes that ``Augmentation`` makes together, so that each image is sampled once."""


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        "sk_fer.training._loss.WeightedCrossEntropy",
        "is the negative logarithm of the predicted probability of the class",
    ),
    "focal": Loss(
        "sk_fer.training._loss.WeightedFocalLoss",
        "multiplies the cross-entropy by the square of one minus the predicted probability, so that"
        " images that are already predicted well have less weight",
    ),
}

# "muon" as measured in benchmarks/recipe.py, and the others as usual for them. A learning rate of
# 0.05 for "sgd" is better with large batches and batch normalization, but too large for small
# dense networks.
OPTIMIZERS: dict[str, Optimizer] = {
    "muon": Optimizer(
        "sk_fer.training._muon.Muon",
        lr=0.1,
        momentum=0.6,
        weight_decay=0.05,
        text="makes the step of each matrix and filter bank orthogonal",
    ),
    "sgd": Optimizer(
        "torch.optim.SGD",
        lr=0.02,
        momentum=0.9,
        weight_decay=5e-4,
        text="uses Nesterov's momentum",
    ),
    "adam": Optimizer("torch.optim.Adam", lr=1e-3),
    "adamw": Optimizer("torch.optim.AdamW", lr=1e-3, weight_decay=0.01),
    "rmsprop": Optimizer("torch.optim.RMSprop", lr=1e-3, momentum=0.0),
    "adagrad": Optimizer("torch.optim.Adagrad", lr=0.01),
}

SCHEDULES: dict[str, Schedule] = {
    "one_cycle": Schedule(
        "sk_fer.training._schedules.one_cycle",
        "increases it for a quarter of the fit and then decreases it to zero",
    ),
    "cosine": Schedule("sk_fer.training._schedules.cosine", "decreases it to zero"),
    "step": Schedule(
        "sk_fer.training._schedules.step", "divides it by ten after each third of the fit"
    ),
    "plateau": Schedule(
        None,
        "divides it by ten when the validation loss (or the training loss if there are no"
        " validation images) has not decreased for five epochs",
    ),
}

# The changes with a function run after the others, in this order.
CHANGES: dict[str, Change] = {
    "flip": Change(1.0, "the probability of a mirror image"),
    "shift": Change(1.0, "the largest shift, as a share of the side"),
    "rotation": Change(180.0, "the largest rotation in degrees"),
    "scale": Change(0.9, "the largest relative change of size"),
    "erasing": Change(
        1.0, "the probability that a rectangle is erased", "sk_fer.training._augment.erase"
    ),
}


def find_piece(piece: Any) -> Any:
    """Return the class or function with a name such as ``"torch.optim.SGD"``.

    A class or function is returned unchanged.
    """
    return resolve_name(piece) if isinstance(piece, str) else piece
