"""The base class of the classifiers, which contain a skorch net."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from sk_fer.estimators._build_net import build_net, check_same_network, new_module
from sk_fer.estimators._callbacks_parameter import CallbacksParameter
from sk_fer.estimators._checkpoint_parameter import resolve_checkpoint
from sk_fer.estimators._fine_tuning import head_inputs
from sk_fer.estimators._fingerprint import fingerprint
from sk_fer.estimators._fit_callbacks import fit_callbacks
from sk_fer.estimators._fitted_classifier import FittedClassifier
from sk_fer.estimators._image_input import rows_of
from sk_fer.estimators._parameters import SHARED_CONSTRAINTS
from sk_fer.estimators._resume import open_checkpoints
from sk_fer.estimators._split import encode_groups, fraction_aside
from sk_fer.estimators._validation import (
    partial_fit_classes,
    split_and_weight,
    training_data,
    validation_data,
)

if TYPE_CHECKING:
    from sklearn.callback import CallbackContext

    from sk_fer.training import FaceDataset, FERNet, FitTasks, PausedTraining

# partial_fit has a constant learning rate, no validation and no checkpoints.
_OF_PARTIAL_FIT = {
    "lr_schedule": None,
    "validation_fraction": None,
    "early_stopping": False,
    "checkpoint": None,
}


class BaseFERClassifier(CallbacksParameter, CallbackSupportMixin, FittedClassifier):
    """Base class of the classifiers. A subclass has the network and its own parameters."""

    _parameter_constraints: dict[str, list[Any]] = SHARED_CONSTRAINTS

    # Each subclass writes the parameters out, with their defaults. These are used here.
    max_epochs: int
    warm_start: bool
    checkpoint: str | PathLike[str] | Mapping[str, Any] | None
    device: Any
    random_state: Any

    _is_clone = False
    _pause: PausedTraining | None = None

    @abstractmethod
    def _network(self) -> tuple[str, dict[str, Any]]:
        """Return the network's name in ``sk_fer.modules.NETWORKS`` and its options."""

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
        context = self._init_callback_context(
            max_subtasks=self.get_params(deep=False)["max_epochs"]
        )
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        context.call_on_fit_task_begin(estimator=self, **data)
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together; got one without the other")
        previous = self._previous_net() if self.warm_start else None
        known = None if previous is None else self.classes_
        parameters = self.get_params(deep=False)
        self._train(X, y, sample_weight, known, previous, parameters, context, X_val, y_val, groups)
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
        previous = self._previous_net()
        known = partial_fit_classes(classes, y, None if previous is None else self.classes_)
        parameters = {**self.get_params(deep=False), **_OF_PARTIAL_FIT}
        self._train(X, y, sample_weight, known, previous, parameters)
        return self

    def _previous_net(self) -> FERNet | None:
        """Return the net to continue, which must still be the one that the parameters describe."""
        if "net_" not in vars(self):
            return None
        parameters = self.get_params(deep=False)
        check_same_network(self._module_config, self._network(), parameters, face=self._is_face())
        return self.net_

    def _train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        classes: NDArray | None,
        previous: FERNet | None,
        parameters: Mapping[str, Any],
        context: CallbackContext | None = None,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> None:
        """Check the data, build the net or continue the previous one, and train it.

        `parameters` are those of the estimator, with other values where ``partial_fit`` differs.
        `context` is that of scikit-learn's callbacks. It is None in ``partial_fit``, which trains
        for one epoch.
        """
        from sk_fer.training import FitTasks, check_same_data, settle_after_fork, value_of_first

        name = type(self).__name__
        settle_after_fork(self.device)
        with ExitStack() as stack:
            with self._unchanged_if_refused():
                images = self._check_images(X, reset=previous is None)
                train, self.classes_, kept = training_data(
                    images, rows_of(X), y, sample_weight, classes, name
                )
                check_same_data(train, self.classes_)
                if previous is None:
                    seed = int(check_random_state(self.random_state).randint(2**31 - 1))
                    self._seed = value_of_first(seed)
                if self._pause is not None and self._pause.seed is not None:
                    self._seed = self._pause.seed
                valid = None
                if X_val is not None and y_val is not None:
                    images = self._check_images(X_val, reset=False, name="X_val")
                    valid = validation_data(images, y_val, self.classes_, name)
                fraction = fraction_aside(parameters, valid)
                people = encode_groups(groups, _num_samples(X), kept)
                people = None if fraction is None else people
                settings, checkpoints = resolve_checkpoint(parameters["checkpoint"]), None
                if settings is not None:
                    described = fingerprint(
                        name, parameters, self._seed, self.classes_, train, valid, previous, people
                    )
                    checkpoints = stack.enter_context(
                        open_checkpoints(settings, described, self._seed, is_clone=self._is_clone)
                    )
                    self._seed = checkpoints.about["seed"]
                train, valid = split_and_weight(
                    train,
                    valid,
                    fraction=fraction,
                    groups=people,
                    seed=self._seed,
                    class_weight=parameters["class_weight"],
                    classes=self.classes_,
                )
                data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
                tasks = None if context is None else FitTasks(self, context, data)
                n_epochs = 1 if context is None else self.max_epochs
                self._build_net(train, valid, parameters, n_epochs, tasks, previous)
                if previous is not None:
                    self._check_range(train.X, "X")
                if valid is not None:
                    self._check_range(valid.X, "X_val")
                self.__dict__.pop("versions_", None)  # of a file that this is no longer
                if "trainable" in parameters:
                    trainable = parameters["trainable"]
                    train, valid = head_inputs(self.net_, trainable, train, valid)
            self.net_.partial_fit(train, valid=valid, checkpoints=self._pause or checkpoints)
            if self._pause is not None:
                self._pause.finish(self.net_, train)

    @contextmanager
    def _paused_after(
        self, n_epochs: int, state: bytes | None, **settings: Any
    ) -> Iterator[PausedTraining]:
        """Let ``fit`` train until an epoch only, and continue from the state of the fit before.

        Parameters
        ----------
        n_epochs : int
            The number of epochs that are trained in all.
        state : bytes or None
            The state from which the training continues.
        **settings
            Other parameters of :class:`sk_fer.training.PausedTraining`.

        Yields
        ------
        PausedTraining
            The training. Its `state` continues it, after ``fit``.
        """
        from sk_fer.training import PausedTraining

        self._pause = PausedTraining(n_epochs, state, **settings)
        try:
            yield self._pause
        finally:
            del self._pause

    def _build_net(
        self,
        train: FaceDataset,
        valid: FaceDataset | None,
        parameters: Mapping[str, Any],
        n_epochs: int,
        tasks: FitTasks | None = None,
        previous: FERNet | None = None,
    ) -> None:
        """Build the net that is trained on these images, or continue the previous one."""
        callbacks = fit_callbacks(
            parameters,
            tasks,
            validated=valid is not None,
            copies=self._callbacks_are_copies,
        )
        if previous is None:
            module, self._module_config = new_module(
                self._network(),
                train,
                self.classes_,
                parameters,
                face=self._is_face(),
                seed=self._seed,
            )
        else:
            module = previous.module_
        self.net_ = build_net(
            module,
            parameters,
            callbacks,
            n_epochs=n_epochs,
            n_images=len(train),
            face=self._is_face(),
            classes=self.classes_,
            seed=self._seed,
            previous=previous,
        )

    # -- scikit-learn --------------------------------------------------------------------

    def _validate_params(self) -> None:
        super()._validate_params()
        resolve_checkpoint(self.checkpoint)

    def __sklearn_clone__(self) -> Self:
        clone = super().__sklearn_clone__()
        if self.checkpoint is not None:
            clone._is_clone = True  # shares the folder with others
        return clone
