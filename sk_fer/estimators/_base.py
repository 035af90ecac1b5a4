"""The base class of the classifiers, which contain a skorch net."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from sk_fer.estimators._callbacks import CallbacksParameter
from sk_fer.estimators._checkpoint_parameter import resolve_checkpoint
from sk_fer.estimators._face_input import FaceInput
from sk_fer.estimators._nets import fit_callbacks, make_net, new_module, user_callbacks
from sk_fer.estimators._parameters import EARLY_STOPPING_FRACTION, SHARED_CONSTRAINTS
from sk_fer.estimators._resume import open_checkpoints
from sk_fer.estimators._split import encode_groups, split_groups, split_validation
from sk_fer.estimators._stored_net import StoredNet
from sk_fer.estimators._targets import (
    UNSEEN,
    check_classes,
    class_weights,
    encode_seen,
    encode_targets,
    hard_labels,
    holds_shares,
)

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from sk_fer.training import FaceDataset, FERNet

HISTORY_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "lr",
    "seconds",
)


class BaseFERClassifier(
    CallbacksParameter, CallbackSupportMixin, ClassifierMixin, FaceInput, StoredNet
):
    """Base class of the classifiers. A subclass has the network and its own parameters."""

    _parameter_constraints: dict[str, list[Any]] = SHARED_CONSTRAINTS

    # The parameters are written out, with their defaults, in each subclass.
    max_epochs: int
    batch_size: int | str
    optimizer: str
    lr: float | str
    momentum: float | str
    weight_decay: float | str
    lr_schedule: str | None
    criterion: str
    label_smoothing: float
    class_weight: Any
    normalize: str
    augment: Any
    tta: bool
    validation_fraction: float | None
    early_stopping: bool
    n_iter_no_change: int
    tol: float
    warm_start: bool
    checkpoint: str | PathLike[str] | Mapping[str, Any] | None
    device: Any
    precision: str
    compile: bool
    callbacks: Any
    random_state: Any
    verbose: int

    classes_: NDArray

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
        context = self._init_callback_context(max_subtasks=self.max_epochs)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        context.call_on_fit_task_begin(estimator=self, **data)
        with ExitStack() as stack:
            with self._unchanged_if_refused():
                previous = self._previous_net() if self.warm_start else None
                self._check_validation_arguments(X_val, y_val)
                train = self._check_training_data(
                    X,
                    y,
                    sample_weight,
                    classes=None if previous is None else self.classes_,
                    reset=previous is None,
                )
                valid = self._check_validation_data(X_val, y_val)
                fraction = self._fraction_aside() if valid is None else None
                people = self._check_groups(groups, train, fraction)
                checkpoints = stack.enter_context(
                    open_checkpoints(self, train, valid, previous, people)
                )
                if fraction is not None:
                    train, valid = self._set_validation_aside(train, fraction, people)
                callbacks = fit_callbacks(self, context, data, validated=valid is not None)
                train, valid = self._prepare(train, valid, previous, callbacks, self.max_epochs)
            self.net_.fit_datasets(train, valid, checkpoints)
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
            known = self._check_partial_fit_classes(classes, y, first=previous is None)
            train = self._check_training_data(
                X, y, sample_weight, classes=known, reset=previous is None
            )
            callbacks = user_callbacks(self, validated=False, partial=True)
            train, _ = self._prepare(train, None, previous, callbacks, 1)
        self.net_.fit_datasets(train)
        return self

    def _previous_net(self) -> FERNet | None:
        """Return the net to go on with, which must still be the one that is asked for."""
        if "net_" not in vars(self):
            return None
        network, options = self._network()
        fitted = self._module_config
        asked = {"network": network, "options": options, "normalize": self._resolve_normalize()}
        changed = [name for name, value in asked.items() if fitted[name] != value]
        if changed:
            raise ValueError(
                f"cannot go on with the fitted network: {', '.join(changed)} was changed since, "
                f"from {fitted[changed[0]]!r} to {asked[changed[0]]!r}; fit anew with "
                "warm_start=False"
            )
        return self.net_

    def _check_partial_fit_classes(
        self, classes: ArrayLike | None, y: ArrayLike, *, first: bool
    ) -> NDArray | None:
        if not first:
            if classes is not None and not np.array_equal(np.unique(classes), self.classes_):
                raise ValueError(
                    f"classes={classes!r} is not the same as in the first call to partial_fit: "
                    f"{self.classes_!r}"
                )
            return self.classes_
        if classes is None:
            if holds_shares(y):
                return None
            raise ValueError("classes must be passed on the first call to partial_fit.")
        known = check_classes(classes)
        if holds_shares(y) and not hasattr(y, "columns") and not np.array_equal(known, classes):
            raise ValueError(
                f"classes={classes!r} name the columns of y, which must come sorted; sort both, "
                "or pass y as a DataFrame"
            )
        return known

    def _check_training_data(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        *,
        classes: NDArray | None,
        reset: bool,
    ) -> FaceDataset:
        """Check images, targets and weights, and set what is learnt from their form."""
        from sk_fer.training import FaceDataset, settle_after_fork

        settle_after_fork(self.device)
        classes, encoded = encode_targets(y, classes, estimator=type(self).__name__)
        images = self._check_images(X, reset=reset)
        _check_lengths(images, encoded, "X", "y")
        weight = None
        if sample_weight is not None:
            weight = _check_weight(sample_weight, images)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs two classes or more to tell apart; got one class, "
                f"{classes.tolist()[0]!r}"
            )
        self.classes_ = classes
        if reset:
            self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        train = FaceDataset(images, encoded, weight)
        # No weight is absence, for batches and statistics as for the loss.
        return train if weight is None else train.subset(np.flatnonzero(weight))

    def _check_validation_arguments(self, X_val: Any, y_val: Any) -> None:
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together; got one without the other")

    def _check_validation_data(
        self, X_val: ArrayLike | None, y_val: ArrayLike | None
    ) -> FaceDataset | None:
        from sk_fer.training import FaceDataset

        if X_val is None or y_val is None:
            return None
        name = type(self).__name__
        effect = "count as wrong in valid_accuracy and are left out of valid_loss"
        encoded = encode_seen(y_val, self.classes_, estimator=name, name="y_val", effect=effect)
        try:
            images = self._check_images(X_val, reset=False)
        except (TypeError, ValueError) as error:
            raise type(error)(f"X_val: {error}") from error
        _check_lengths(images, encoded, "X_val", "y_val")
        if encoded.ndim == 1 and (unseen := encoded == UNSEEN).any():
            if unseen.all():
                raise ValueError(
                    "y_val has no label that is in y, so that there is no validation loss; pass "
                    "images of the classes that are trained on"
                )
            return FaceDataset(images, encoded, (~unseen).astype(np.float32))
        return FaceDataset(images, encoded)

    def _fraction_aside(self) -> float | None:
        """Return the share of the training images to validate on."""
        if self.validation_fraction is None and self.early_stopping:
            return EARLY_STOPPING_FRACTION
        return self.validation_fraction

    def _check_groups(
        self, groups: ArrayLike | None, train: FaceDataset, fraction: float | None
    ) -> NDArray[np.intp] | None:
        """Return the number of each training image's group, where a split goes by it."""
        if groups is None:
            return None
        numbers = encode_groups(groups, len(train.X))
        if fraction is None:
            return None
        return numbers if train.rows is None else numbers[train.rows]

    def _set_validation_aside(
        self, train: FaceDataset, fraction: float, groups: NDArray[np.intp] | None
    ) -> tuple[FaceDataset, FaceDataset]:
        labels = hard_labels(train.targets)
        if groups is None:
            rows, rows_val = split_validation(labels, fraction, self._seed)
        else:
            rows, rows_val = split_groups(labels, groups, fraction, self._seed)
        return train.subset(rows), train.subset(rows_val)

    def _prepare(
        self,
        train: FaceDataset,
        valid: FaceDataset | None,
        previous: FERNet | None,
        callbacks: list[Any],
        n_epochs: int,
    ) -> tuple[FaceDataset, FaceDataset | None]:
        """Set ``net_`` to what is to be trained, and weigh the data."""
        module = self._new_module(train) if previous is None else previous.module_
        callbacks = [*self._network_callbacks(module, train), *callbacks]
        net = make_net(self, module, callbacks, n_epochs, len(train), previous)
        weights = class_weights(
            self.class_weight, self.classes_, train.targets, train.sample_weight
        )
        train = train.weighted(weights)
        valid = None if valid is None else valid.weighted(weights)
        if previous is not None:
            net.history.extend(previous.history)
            net.take_optimizer_state(previous)
        self.net_ = net
        if previous is not None:
            self._check_range(train.X, "X")
        if valid is not None:
            self._check_range(valid.X, "X_val")
        self.__dict__.pop("versions_", None)  # of a file that this is no longer
        return self._to_train(train, valid)

    def _new_module(self, train: FaceDataset) -> torch.nn.Module:
        network, options = self._network()
        self._module_config = {
            "network": network,
            "image_shape": self.image_shape_,
            "n_classes": len(self.classes_),
            "normalize": self._resolve_normalize(),
            "options": options,
        }
        return new_module(self._module_config, train, self._seed)

    # -- predicting ----------------------------------------------------------------------

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probabilities, in the order of ``classes_``.
        """
        images = self._check_new_images(X)
        self.net_.tta = self.tta
        return self.net_.predict_proba(self._to_predict(images))

    def predict(self, X: ArrayLike) -> NDArray:
        """Predict the label of each image.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            The labels, as they were passed to :meth:`fit`.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The logarithms, in the order of ``classes_``. They are finite even if the
            probabilities of :meth:`predict_proba` are 0.
        """
        images = self._check_new_images(X)
        self.net_.tta = self.tta
        logits = self.net_.forward(self._to_predict(images))
        return logits.log_softmax(1).numpy()

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on images and their labels.

        Parameters
        ----------
        X : array-like
            The images, as in :meth:`fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The labels, or soft targets, of which the class with the largest share is used.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights of the images.

        Returns
        -------
        float
            The accuracy.

        Warns
        -----
        UserWarning
            If there are labels that :meth:`fit` did not see, for example in folds by subject.
            The warning names them. They count as wrong.
        """
        predicted = self.predict_proba(X).argmax(axis=1)
        encoded = encode_seen(y, self.classes_, estimator=type(self).__name__)
        _check_lengths(predicted, encoded, "X", "y")
        if sample_weight is not None:
            sample_weight = _check_weight(sample_weight, predicted)
        return accuracy_score(hard_labels(encoded), predicted, sample_weight=sample_weight)

    # -- what was learnt -----------------------------------------------------------------

    @property
    def history_(self) -> pd.DataFrame:
        """The losses, accuracies, learning rate and seconds of each epoch."""
        import pandas as pd

        from sk_fer.estimators._persistence import plain_history

        rows = plain_history(self._fitted_net("history_").history)
        table = pd.DataFrame(rows).rename(columns={"dur": "seconds"})
        shown = [name for name in table if not str(name).endswith(("_batch_count", "_best"))]
        first = [name for name in HISTORY_COLUMNS if name in shown]
        return table[first + [name for name in shown if name not in first]]

    @property
    def n_epochs_(self) -> int:
        """Epochs trained so far."""
        return len(self._fitted_net("n_epochs_").history)

    def _fitted_net(self, attribute: str) -> FERNet:
        if "net_" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r}; fit it first"
            )
        return self.net_

    # -- what a network may want otherwise -------------------------------------------------

    def _network_callbacks(self, module: Any, train: FaceDataset) -> list[tuple[str, Any]]:
        """Return the callbacks that the network needs in every kind of fit."""
        return []

    def _lr_factors(self) -> dict[str, float]:
        """Return the learning rates of parts of the network, as shares of `lr`."""
        return {}

    def _to_train(
        self, train: FaceDataset, valid: FaceDataset | None
    ) -> tuple[FaceDataset, FaceDataset | None]:
        """Return what the epochs are to go over."""
        return train, valid

    def _to_predict(self, images: NDArray) -> FaceDataset:
        from sk_fer.training import FaceDataset

        return FaceDataset(images)

    def _resizes(self) -> bool:
        return False  # dense layers are made for one size

    def _resolve_normalize(self) -> str:
        if self.normalize != "auto":
            return self.normalize
        return "image" if self._is_face() else "dataset"

    # -- scikit-learn --------------------------------------------------------------------

    def _validate_params(self) -> None:
        super()._validate_params()
        resolve_checkpoint(self.checkpoint)

    def __sklearn_clone__(self) -> Self:
        clone = super().__sklearn_clone__()
        if self.checkpoint is not None:
            clone._is_clone = True  # shares the folder with others
        return clone


def _check_weight(sample_weight: ArrayLike, images: NDArray) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused as infinite
        return _check_sample_weight(
            sample_weight, images, dtype=np.float32, ensure_non_negative=True
        )


def _check_lengths(images: NDArray, encoded: NDArray, X_name: str, y_name: str) -> None:
    if len(images) != len(encoded):
        hint = f"; one image is {X_name}[None]" if len(encoded) == 1 else ""
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"{X_name} has {len(images)} and {y_name} has {len(encoded)}{hint}"
        )
