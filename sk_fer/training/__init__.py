"""The engine: a skorch net that keeps the data, the augmentation and the metrics on the device."""

from sk_fer._utils._choices import CHANGES, LOSSES, OPTIMIZERS, SCHEDULES
from sk_fer.training._augment import Augmentation
from sk_fer.training._batched import train_together
from sk_fer.training._batches import BatchIterator
from sk_fer.training._checkpoint_folder import CheckpointFolder
from sk_fer.training._checkpoints import Checkpoints
from sk_fer.training._dataset import FaceDataset
from sk_fer.training._device import resolve_device, resolve_precision, settle_after_fork
from sk_fer.training._loss import WeightedCrossEntropy, WeightedFocalLoss
from sk_fer.training._muon import Muon
from sk_fer.training._net import FERNet
from sk_fer.training._optimizers import optimizer_settings
from sk_fer.training._paused import PausedTraining
from sk_fer.training._ranks import check_same_data, rank, value_of_first
from sk_fer.training._resizing import ProgressiveResizing
from sk_fer.training._schedules import schedule_callbacks
from sk_fer.training._shared_device import fit_in_turn
from sk_fer.training._threads import at_most_threads
from sk_fer.training.callbacks import FitTasks, Unfreezing

__all__ = [
    "CHANGES",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "Augmentation",
    "BatchIterator",
    "CheckpointFolder",
    "Checkpoints",
    "FERNet",
    "FaceDataset",
    "FitTasks",
    "Muon",
    "PausedTraining",
    "ProgressiveResizing",
    "Unfreezing",
    "WeightedCrossEntropy",
    "WeightedFocalLoss",
    "at_most_threads",
    "check_same_data",
    "fit_in_turn",
    "optimizer_settings",
    "rank",
    "resolve_device",
    "resolve_precision",
    "schedule_callbacks",
    "settle_after_fork",
    "train_together",
    "value_of_first",
]
