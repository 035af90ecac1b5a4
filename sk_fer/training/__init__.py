"""The engine: a skorch net that keeps the data, the augmentation and the metrics on the device."""

from sk_fer.training._augment import Augmentation
from sk_fer.training._callbacks import FitTasks
from sk_fer.training._dataset import BatchIterator, FaceDataset
from sk_fer.training._device import resolve_device, resolve_precision
from sk_fer.training._loss import WeightedCrossEntropy
from sk_fer.training._net import FERNet
from sk_fer.training._optimizers import OPTIMIZERS, optimizer_settings
from sk_fer.training._schedules import SCHEDULES, schedule_callbacks

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "Augmentation",
    "BatchIterator",
    "FERNet",
    "FaceDataset",
    "FitTasks",
    "WeightedCrossEntropy",
    "optimizer_settings",
    "resolve_device",
    "resolve_precision",
    "schedule_callbacks",
]
