"""How skorch's callbacks fit into a fit of ours: what they watch, score and write."""

from sk_fer.training.callbacks._check import check_callbacks
from sk_fer.training.callbacks._folders import give_own_folders
from sk_fer.training.callbacks._scoring import notify_scoring

__all__ = ["check_callbacks", "give_own_folders", "notify_scoring"]
