"""Checks of a classifier that need no data: parameters, device, installed packages, weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from sk_fer.estimators._backbone_parameters import resolve_input_size, resolve_trainable
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._callbacks_parameter import named_callbacks
from sk_fer.estimators._image_input import ImageInput
from sk_fer.estimators._parameters import resolve_augmentation
from sk_fer.estimators._weights_source import open_weights


def check_runnable(estimator: Any) -> None:
    """Raise an error if an estimator cannot be fitted, whatever the data.

    The parameters of the estimator and of the estimators inside it are validated. For estimators
    of sk_fer, the device must exist, the backbone must be known, the packages must be installed,
    and the weights must exist. ImageNet weights are downloaded if they are not in the cache.

    Parameters
    ----------
    estimator : estimator
        Any estimator of scikit-learn. Nothing is fitted.

    Raises
    ------
    ImportError
        If a package is not installed.
    OSError
        If a file of weights does not exist or cannot be downloaded.
    TypeError, ValueError
        If a parameter, a device, a backbone or a file of weights is not valid.
    """
    for part in _parts(estimator):
        if hasattr(part, "_parameter_constraints"):
            part._validate_params()
        if isinstance(part, Pipeline):
            part._validate_steps()
        if isinstance(part, ImageInput):
            _check_network(part)


def _parts(estimator: Any) -> Iterator[Any]:
    """Yield an estimator and the estimators inside it that are fitted with their parameters."""
    yield estimator
    # A search replaces parameters; fitted weights and frozen estimators are not fitted again.
    if isinstance(estimator, (BaseSearchCV, FrozenEstimator, ImageInput)):
        return
    for value in estimator.get_params(deep=False).values():
        for each in _estimators_in(value):
            yield from _parts(each)


def _estimators_in(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _estimators_in(item)
    elif isinstance(value, BaseEstimator):
        yield value


def _check_network(estimator: Any) -> None:
    # The processor is there, and computes in all types but float16, so that torch is not needed.
    if str(estimator.device) not in ("auto", "cpu") or estimator.precision == "float16":
        from sk_fer.training import resolve_device, resolve_precision

        resolve_precision(estimator.precision, resolve_device(estimator.device))
    if hasattr(estimator, "backbone"):
        _check_backbone(estimator)
    if isinstance(estimator, BaseFERClassifier):
        estimator._network()
        resolve_augmentation(estimator.augment, estimator.max_epochs, face=True)
        named_callbacks(estimator.callbacks)


def _check_backbone(estimator: Any) -> None:
    from sk_fer.modules._timm import fetch_imagenet, known_backbone

    known_backbone(estimator.backbone)
    resolve_input_size(estimator.input_size, estimator.backbone)
    if hasattr(estimator, "trainable"):
        resolve_trainable(estimator.trainable)
    source = open_weights(estimator.weights, estimator.backbone)
    if source is not None and source.state is None:
        fetch_imagenet(estimator.backbone)
