"""The base class of the classifiers, which contain a skorch net."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state

from sk_fer.estimators._build_net import (
    NetworkTraining,
    build_module,
    build_net,
    check_same_network,
)
from sk_fer.estimators._callbacks_parameter import CallbacksParameter
from sk_fer.estimators._checkpoint_parameter import resolve_checkpoint
from sk_fer.estimators._fit_callbacks import NamedCallbacks, fit_callbacks, user_callbacks
from sk_fer.estimators._fitted_classifier import FittedClassifier
from sk_fer.estimators._parameters import SHARED_CONSTRAINTS
from sk_fer.estimators._resume import open_checkpoints
from sk_fer.estimators._split import encode_groups, fraction_aside, split_rows
from sk_fer.estimators._targets import class_weights, hard_labels
from sk_fer.estimators._validation import partial_fit_classes, training_data, validation_data

if TYPE_CHECKING:
    from sk_fer.training import FaceDataset, FERNet


class BaseFERClassifier(CallbacksParameter, CallbackSupportMixin, FittedClassifier):
    """Base class of the classifiers. A subclass has the network and its own parameters."""

    _parameter_constraints: dict[str, list[Any]] = SHARED_CONSTRAINTS

    # Each subclass writes the parameters out, with their defaults. These are used here.
    max_epochs: int
    class_weight: Any
    normalize: str
    validation_fraction: float | None
    early_stopping: bool
    warm_start: bool
    checkpoint: str | PathLike[str] | Mapping[str, Any] | None
    device: Any
    random_state: Any
    weights: Any = None  # a parameter of pretrained networks

    _is_clone = False

    @abstractmethod
    def _network(self) -> tuple[str, dict[str, Any]]:
        """Return the network's name in ``sk_fer.modules.NETWORKS`` and its options."""

    def _network_training(self, module: Any, n_images: int) -> NetworkTraining:
        """Return how the network is trained, if it differs from other networks."""
        return NetworkTraining()

    def _to_train(
        self, net: FERNet, train: FaceDataset, valid: FaceDataset | None
    ) -> tuple[FaceDataset, FaceDataset | None]:
        """Return the data sets of the epochs."""
        return train, valid

    # -- fitting -------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, height, width) or \
                (n_samples, height, width, channels)
            The images, uint8 or float. Values may be negative, for example after a scaler. The
            images are never copied to float64.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The labels, of any type, or soft targets, which are the shares of the classes and
            sum to one in each row. The classes of soft targets are the column names of a
            DataFrame, and 0, 1, 2... otherwise.
        sample_weight : array-like of shape (n_samples,), default=None
            The weight of each image in the loss and in batch normalization.
        X_val : array-like, default=None
            The validation images. If given, `validation_fraction` is not used.
        y_val : array-like, default=None
            The labels or soft targets of `X_val`.
        groups : array-like of shape (n_samples,), default=None
            The group of each image, for example the person that it shows. If
            `validation_fraction` or `early_stopping` sets images aside, they are whole groups.
            The groups have no other effect. Searches and cross-validation pass them if metadata
            routing is enabled and ``set_fit_request(groups=True)`` was called.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, an image or a label is not valid.
        """
        from sk_fer.training import FitTasks

        context = self._init_callback_context(max_subtasks=self.max_epochs)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        context.call_on_fit_task_begin(estimator=self, **data)
        with ExitStack() as stack:
            with self._unchanged_if_refused():
                if (X_val is None) != (y_val is None):
                    raise ValueError("X_val and y_val go together; got one without the other")
                previous = self._previous_net() if self.warm_start else None
                known = None if previous is None else self.classes_
                train = self._start(X, y, sample_weight, known, previous)
                valid, fraction = (
                    None,
                    fraction_aside(self.validation_fraction, self.early_stopping),
                )
                if X_val is not None and y_val is not None:
                    images = self._check_images(X_val, reset=False, name="X_val")
                    valid = validation_data(images, y_val, self.classes_, type(self).__name__)
                    fraction = None
                people = encode_groups(groups, len(train.X), train.rows)
                checkpoints = stack.enter_context(
                    open_checkpoints(
                        type(self).__name__,
                        self.get_params(deep=False),
                        self._seed,
                        self.classes_,
                        train,
                        valid,
                        previous,
                        None if fraction is None else people,
                        is_clone=self._is_clone,
                    )
                )
                if checkpoints is not None:
                    self._seed = checkpoints.about["seed"]
                if fraction is not None:
                    labels = hard_labels(train.targets)
                    rows, aside = split_rows(labels, people, fraction, self._seed)
                    train, valid = train.subset(rows), train.subset(aside)
                callbacks = fit_callbacks(
                    self.get_params(deep=False),
                    FitTasks(self, context, data),
                    validated=valid is not None,
                    copies=self._callbacks_are_copies,
                )
                train, valid = self._build(train, valid, previous, callbacks, self.max_epochs)
            self.net_.partial_fit(train, valid=valid, checkpoints=checkpoints)
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes=dict, **data)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch on these images, with the constant learning rate `lr`.

        The state of the optimizer is kept between calls. There is no validation.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The labels or soft targets, as in :meth:`fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that occur in any call. It is required in the first call, unless `y`
            contains soft targets.
        sample_weight : array-like of shape (n_samples,), default=None
            The weight of each image, as in :meth:`fit`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the first call has no `classes`, if a later call has other classes, or if a
            parameter, an image or a label is not valid.
        """
        self._validate_params()  # scikit-learn leaves it out of all calls but the first
        with self._unchanged_if_refused():
            previous = self._previous_net()
            known = partial_fit_classes(classes, y, None if previous is None else self.classes_)
            train = self._start(X, y, sample_weight, known, previous)
            callbacks = user_callbacks(
                self.callbacks,
                None,
                validated=False,
                partial=True,
                copies=self._callbacks_are_copies,
            )
            train, _ = self._build(train, None, previous, callbacks, 1)
        self.net_.partial_fit(train)
        return self

    def _previous_net(self) -> FERNet | None:
        """Return the net to continue, which must still be the one that the parameters describe."""
        if "net_" not in vars(self):
            return None
        fitted = self._module_config
        normalize = self.normalize
        if normalize == "auto":
            of_weights = self.weights is not None
            normalize = fitted["normalize"] if of_weights else self._default_normalize()
        check_same_network(fitted, self._network(), normalize)
        return self.net_

    def _start(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        classes: NDArray | None,
        previous: FERNet | None,
    ) -> FaceDataset:
        """Check the training data, and set the attributes that follow from it."""
        from sk_fer.training import settle_after_fork

        settle_after_fork(self.device)
        images = self._check_images(X, reset=previous is None)
        train, self.classes_ = training_data(images, y, sample_weight, classes, type(self).__name__)
        if previous is None:
            self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return train

    def _build(
        self,
        train: FaceDataset,
        valid: FaceDataset | None,
        previous: FERNet | None,
        callbacks: NamedCallbacks,
        n_epochs: int,
    ) -> tuple[FaceDataset, FaceDataset | None]:
        """Set ``net_`` to the net to train, and return the data sets with their loss weights."""
        if previous is not None:
            module = previous.module_
        else:
            module, self._module_config = build_module(
                self._network(),
                train,
                self.classes_,
                weights=self.weights,
                normalize=self.normalize,
                default_normalize=self._default_normalize(),
                seed=self._seed,
            )
        net = build_net(
            module,
            self.get_params(deep=False),
            self._network_training(module, len(train)),
            callbacks,
            n_epochs=n_epochs,
            n_images=len(train),
            face=self._is_face(),
            classes=self.classes_,
            seed=self._seed,
            previous=previous,
        )
        weights = class_weights(
            self.class_weight, self.classes_, train.targets, train.sample_weight
        )
        train = train.weighted(weights)
        valid = None if valid is None else valid.weighted(weights)
        self.net_ = net
        if previous is not None:
            self._check_range(train.X, "X")
        if valid is not None:
            self._check_range(valid.X, "X_val")
        self.__dict__.pop("versions_", None)  # of a file that this is no longer
        return self._to_train(net, train, valid)

    # -- scikit-learn --------------------------------------------------------------------

    def _validate_params(self) -> None:
        super()._validate_params()
        resolve_checkpoint(self.checkpoint)

    def __sklearn_clone__(self) -> Self:
        clone = super().__sklearn_clone__()
        if self.checkpoint is not None:
            clone._is_clone = True  # shares the folder with others
        return clone
