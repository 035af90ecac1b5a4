"""Fits of several dense classifiers, or of heads over a frozen backbone, as one computation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state

from sk_fer.estimators._backbone_parameters import resolve_trainable
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._dense import FERDenseClassifier
from sk_fer.estimators._fine_tuning import head_inputs
from sk_fer.estimators._pretrained import FERPretrainedClassifier
from sk_fer.estimators._split import encode_groups, fraction_aside
from sk_fer.estimators._validation import split_and_weight, training_data

if TYPE_CHECKING:
    from sk_fer.training import FaceDataset

# What classifiers that are trained as one computation may differ in.
MAY_DIFFER = {
    "dropout",
    "label_smoothing",
    "lr",
    "momentum",
    "n_iter_no_change",
    "random_state",
    "tol",
    "tta",
    "weight_decay",
}

# The attributes that ``fit`` learns from the form of the images.
OF_IMAGES = ("n_features_in_", "feature_names_in_", "image_shape_", "_image_dtype")

# With more weights at a time, the memory is slower than the steps that are saved.
MOST_BYTES = 64 * 2**20


def can_fit_together(estimators: Sequence[Any]) -> tuple[bool, str]:
    """Return whether it helps to call :func:`fit_together`, and the reason if it does not.

    Parameters
    ----------
    estimators : sequence of estimators
        The estimators before the fit.

    Returns
    -------
    possible : bool
        Whether all are dense classifiers, or pretrained classifiers that train a linear head
        alone, and some of them differ only in parameters that equal networks can differ in.
    reason : str
        Why not, or an empty string.
    """
    kinds = []
    for estimator in estimators:
        reason = _obstacle(estimator)
        if reason:
            return False, reason
        parameters = estimator.get_params(deep=False)
        kinds.append({k: v for k, v in parameters.items() if k not in MAY_DIFFER})
    if not any(kind in kinds[:i] for i, kind in enumerate(kinds)):
        return False, (
            "no two classifiers differ only in the parameters "
            f"{', '.join(sorted(MAY_DIFFER))}, or in the rows"
        )
    return True, ""


def _obstacle(estimator: Any) -> str:
    """Return why an estimator must be fitted alone, or an empty string."""
    name = type(estimator).__name__
    known = isinstance(estimator, FERDenseClassifier) or _trains_linear_head(estimator)
    if not known or type(estimator).fit is not BaseFERClassifier.fit:
        return (
            f"{name} is neither a FERDenseClassifier nor a FERPretrainedClassifier with "
            "head='linear', trainable='head' and augment=None"
        )
    if estimator.callbacks:
        return "the parameter callbacks contains callbacks of each batch"
    if getattr(estimator, "_skl_callbacks", None):
        return "set_callbacks was called"
    if estimator.checkpoint is not None:
        return "the parameter checkpoint is set"
    if estimator.compile:
        return "the parameter compile is set"
    if estimator.verbose:
        return "the parameter verbose prints a line for each epoch"
    if estimator.warm_start and "net_" in vars(estimator):
        return "warm_start continues a fitted network"
    return ""


def _trains_linear_head(estimator: Any) -> bool:
    return (
        isinstance(estimator, FERPretrainedClassifier)
        and estimator.head == "linear"
        and not estimator.augment
        and set(resolve_trainable(estimator.trainable).values()) == {"head"}
    )


def fit_together(
    estimators: Sequence[BaseFERClassifier],
    X: ArrayLike,
    y: ArrayLike,
    rows: Sequence[NDArray[np.intp]] | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> list[BaseFERClassifier | Exception]:
    """Fit several classifiers, those of equal networks as one computation.

    Each classifier has the same weights, history and predictions as after ``fit`` on its rows, or
    the part of it in ``_paused_after``, up to the rounding of sums. The seconds of its history are
    those of the common epochs. The initial weights, the order of the images, augmentation, dropout,
    the validation split, the schedule and early stopping are those of its own `random_state` and
    parameters. Equal frozen backbones run once over the images, and the classifiers share one copy
    of them.

    Parameters
    ----------
    estimators : sequence of BaseFERClassifier
        The classifiers, for which :func:`can_fit_together` is true. They are fitted in place.
    X : array-like
        The images of all classifiers, as in ``fit``. They are not copied.
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        The labels or soft targets.
    rows : sequence of ndarray of int, default=None
        The rows of `X` that each classifier is trained on. If None, all are trained on all rows.
    sample_weight : array-like of shape (n_samples,), default=None
        The weight of each image, as in ``fit``.
    groups : array-like of shape (n_samples,), default=None
        The group of each image, as in ``fit``.

    Returns
    -------
    list of (BaseFERClassifier or Exception)
        The fitted classifiers, or the error of the fits that failed.

    Raises
    ------
    ValueError
        If the classifiers cannot be fitted together.

    Examples
    --------
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(70, random_state=0)
    >>> rates = (0.001, 0.01)
    >>> models = [FERDenseClassifier((8,), lr=lr, max_epochs=2, random_state=0) for lr in rates]
    >>> [model.n_epochs_ for model in fit_together(models, X, y)]
    [2, 2]
    """
    from sk_fer.training import settle_after_fork, train_together

    for estimator in estimators:
        reason = _obstacle(estimator)
        if reason:
            raise ValueError(f"the classifiers cannot be fitted together: {reason}")
    check_consistent_length(X, y, sample_weight, groups)
    data = _Data(X, y, sample_weight, groups)
    results: list[Any] = list(estimators)
    fits, fitted = [], []
    for i, estimator in enumerate(estimators):
        settle_after_fork(estimator.device)
        try:
            with estimator._unchanged_if_refused():
                train, valid = data.prepare(estimator, None if rows is None else rows[i])
        except Exception as error:
            results[i] = error
        else:
            fits.append((estimator.net_, train, valid, estimator._pause))
            fitted.append(i)
    for i, diverged in zip(fitted, train_together(fits, most_bytes=MOST_BYTES), strict=True):
        results[i] = diverged or results[i]
    return results


class _Data:
    """The images and targets, which are checked once for all classifiers."""

    def __init__(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> None:
        self.X = X
        self.y = y
        self.sample_weight = sample_weight
        self.groups = groups
        self.images: dict[str, tuple[NDArray, dict[str, Any]]] = {}
        self.backbones: dict[str, Any] = {}
        self.features: dict[Any, FaceDataset] = {}
        self.trains: dict[Any, tuple[Any, NDArray, NDArray[np.intp] | None]] = {}

    def prepare(self, estimator: BaseFERClassifier, rows: NDArray[np.intp] | None) -> Any:
        """Build the net of an estimator, and return its training and validation images."""
        estimator._validate_params()
        images = self._images_of(estimator)
        key = (id(images), None if rows is None else np.asarray(rows).tobytes())
        if key not in self.trains:
            y, weight, groups = (
                array if array is None or rows is None else _safe_indexing(array, rows)
                for array in (self.y, self.sample_weight, self.groups)
            )
            name = type(estimator).__name__
            train, classes, kept = training_data(images, rows, y, weight, None, name)
            n_samples = len(images) if rows is None else len(rows)
            people = encode_groups(groups, n_samples, kept)
            self.trains[key] = train, classes, people
        train, estimator.classes_, people = self.trains[key]
        estimator._seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
        if estimator._pause is not None and estimator._pause.seed is not None:
            estimator._seed = estimator._pause.seed
        parameters = estimator.get_params(deep=False)
        fraction = fraction_aside(parameters, None)
        train, valid = split_and_weight(
            train,
            None,
            fraction=fraction,
            groups=None if fraction is None else people,
            seed=estimator._seed,
            class_weight=parameters["class_weight"],
            classes=estimator.classes_,
        )
        estimator._build_net(train, valid, parameters, estimator.max_epochs)
        estimator.__dict__.pop("versions_", None)
        if isinstance(estimator, FERPretrainedClassifier):
            return self._features_of(estimator, train, valid)
        return train, valid

    def _features_of(
        self, estimator: FERPretrainedClassifier, train: FaceDataset, valid: FaceDataset | None
    ) -> tuple[FaceDataset, FaceDataset | None]:
        """Return the features of the images, which classifiers with equal backbones share."""
        from sk_fer.training import FERNet

        net: FERNet = estimator.net_
        network = net.module_.network
        digest = sha256()
        for layer in (net.module_.prepare, network.backbone):
            for name, value in layer.state_dict().items():
                digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        key = digest.hexdigest()
        network.backbone = self.backbones.setdefault(key, network.backbone)
        net.initialize_optimizer()  # without the weights of the copy

        def features_of(data: FaceDataset) -> FaceDataset:
            rows = None if data.rows is None else data.rows.tobytes()
            at = key, id(data.X), rows, net.device, net.precision
            if at not in self.features:
                self.features[at] = head_inputs(net, estimator.trainable, data, None)[0]
            found = self.features[at]
            return replace(data, X=found.X, rows=found.rows, kind=found.kind)

        return features_of(train), None if valid is None else features_of(valid)

    def _images_of(self, estimator: BaseFERClassifier) -> NDArray:
        key = repr(estimator.image_shape)
        if key not in self.images:
            images = estimator._check_images(self.X, reset=True)
            learned = {name: vars(estimator).get(name) for name in OF_IMAGES}
            self.images[key] = images, {k: v for k, v in learned.items() if v is not None}
        images, learned = self.images[key]
        for name in OF_IMAGES:
            estimator.__dict__.pop(name, None)
        estimator.__dict__.update(learned)
        return images
