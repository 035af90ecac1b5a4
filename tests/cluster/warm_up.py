"""Preloaded by the workers, because the imports of a first fit would delay their heartbeats."""

from sk_fer import FERDenseClassifier
from sk_fer.datasets import make_faces
from sk_fer.model_selection import FERGridSearchCV  # noqa: F401

FERDenseClassifier((4,), max_epochs=1, device="cpu").fit(*make_faces(14))
