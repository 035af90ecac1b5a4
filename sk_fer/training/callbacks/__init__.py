"""Callbacks of skorch: those of sk_fer, and how those of users fit into a fit."""

from sk_fer.training.callbacks._check import check_callbacks
from sk_fer.training.callbacks._folders import give_own_folders
from sk_fer.training.callbacks._scoring import notify_scoring
from sk_fer.training.callbacks._sklearn import FitTasks
from sk_fer.training.callbacks._unfreezing import Unfreezing

__all__ = [
    "FitTasks",
    "Unfreezing",
    "check_callbacks",
    "give_own_folders",
    "notify_scoring",
]
