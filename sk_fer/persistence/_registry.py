"""The classes that a model file can contain."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

from sklearn.base import ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from sk_fer import estimators, faces, preprocessing
from sk_fer._utils._shipped import SHIPPED


class Learnt(NamedTuple):
    """The attributes that a transformer or a linear classifier learns in ``fit``."""

    used: Mapping[str, tuple[str, Any] | None] = {}
    """The arrays that predictions need: always, or if a parameter has a value."""
    kept: tuple[str, ...] = ()
    """The arrays and numbers that only ``partial_fit`` needs."""
    images: tuple[str, ...] = ()
    """Its attributes among ``n_features_in_``, ``n_features_out_`` and ``image_shape_``."""


def _learnt_by(kind: Any) -> Learnt:
    """Return the learned attributes of a transformer, which its class declares."""
    return Learnt(getattr(kind, "_learned_arrays", {}), images=kind._learned_sizes)


def _public(folder: ModuleType, base: type) -> list[type]:
    """Return the classes that a folder exports."""
    exported = (getattr(folder, name) for name in folder.__all__)
    return [kind for kind in exported if isinstance(kind, type) and issubclass(kind, base)]


_IN = ("n_features_in_",)

CLASSIFIERS: dict[str, type] = {
    kind.__name__: kind for kind in _public(estimators, ClassifierMixin)
}

LINEAR_CLASSIFIERS: dict[type, Learnt] = {
    kind: Learnt(used={"coef_": None, "intercept_": None, "n_iter_": None}, images=_IN)
    for kind in (LogisticRegression, LinearSVC)
}

TRANSFORMERS: dict[type, Learnt] = {
    **{kind: _learnt_by(kind) for kind in _public(preprocessing, TransformerMixin)},
    faces.FaceCropper: _learnt_by(faces.FaceCropper),
    MaxAbsScaler: Learnt(used={"scale_": None}, kept=("max_abs_", "n_samples_seen_"), images=_IN),
    MinMaxScaler: Learnt(
        used={"min_": None, "scale_": None},
        kept=("data_min_", "data_max_", "data_range_", "n_samples_seen_"),
        images=_IN,
    ),
    Normalizer: Learnt(images=_IN),
    RobustScaler: Learnt(
        used={"center_": ("with_centering", True), "scale_": ("with_scaling", True)}, images=_IN
    ),
    StandardScaler: Learnt(
        used={"mean_": ("with_mean", True), "scale_": ("with_std", True)},
        kept=("var_", "n_samples_seen_"),
        images=_IN,
    ),
}

LEARNT = {**LINEAR_CLASSIFIERS, **TRANSFORMERS}

# Parameters that older model files have under another name.
RENAMED_PARAMETERS: dict[type, dict[str, str]] = {
    preprocessing.ImageResizer: {"size": "image_size"}
}

# Parameters that refer to the process or machine that saved the model, and `copy`, which lets a
# transformer overwrite its input.
NEVER_SAVED = ("callbacks", "checkpoint", "copy", "memory", "n_jobs", "root")

# Values of `weights` that a file can contain. Paths and classifiers are not saved.
SAVED_WEIGHTS = (None, "imagenet", *SHIPPED)

MAX_IMAGE_VALUES = 1 << 20
"""Largest number of values of an image (pixels times channels) in a file."""
