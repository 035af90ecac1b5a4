"""From an estimator's parameters to the skorch net that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from sk_fer.estimators._callbacks import named_callbacks
from sk_fer.estimators._parameters import (
    resolve_augmentation,
    resolve_batch_size,
    resolve_optimizer_settings,
)

# torch and skorch wait until something is fitted or loaded: importing sk_fer stays quick.
if TYPE_CHECKING:
    import torch

    from sk_fer.training import FaceDataset, FERNet


def new_module(config: dict[str, Any], train: FaceDataset | None, seed: int) -> torch.nn.Module:
    """Build a freshly initialized module; torch's global random state is left alone.

    Parameters
    ----------
    config : dict
        Arguments of :func:`sk_fer.modules.build_module`.
    train : FaceDataset or None
        Images for the statistics of ``normalize="dataset"``, unless they come with weights.
    seed : int
        Source of the weights.

    Returns
    -------
    FaceModule
    """
    import torch

    from sk_fer.modules import build_module, seeded_init

    statistics: dict[str, Any] = {}
    if config["normalize"] == "dataset" and train is not None:
        mean, std = train.channel_statistics()
        statistics = {"mean": torch.from_numpy(mean), "std": torch.from_numpy(std)}
    with seeded_init(seed):
        return build_module(**config, **statistics)


def make_net(
    estimator: BaseEstimator,
    module: torch.nn.Module,
    callbacks: list[Any],
    n_epochs: int,
    n_images: int,
    previous: FERNet | None = None,
) -> FERNet:
    """Build the net that trains `module` as the estimator's parameters say.

    Parameters
    ----------
    estimator : BaseEstimator
        With ``classes_``, ``image_shape_`` and its seed set.
    module : FaceModule
        New, or trained before.
    callbacks : list
        skorch callbacks, named or not.
    n_epochs : int
        Epochs to train.
    n_images : int
        Images to train on.
    previous : FERNet, optional
        The net that the training goes on from; callbacks that it has too keep their state.

    Returns
    -------
    FERNet
        Initialized.
    """
    from sk_fer.training import (
        LOSSES,
        OPTIMIZERS,
        Augmentation,
        FERNet,
        optimizer_settings,
        resolve_device,
        resolve_precision,
    )

    device = resolve_device(estimator.device)
    augmentation = resolve_augmentation(estimator.augment, face=estimator._is_face())
    rates = resolve_optimizer_settings(estimator)
    settings = optimizer_settings(estimator.optimizer, rates.momentum)
    net = FERNet(
        module,
        criterion=LOSSES[estimator.criterion](estimator.label_smoothing),
        optimizer=OPTIMIZERS[estimator.optimizer].kind,
        **{f"optimizer__{name}": value for name, value in settings.items()},
        lr=rates.lr,
        weight_decay=rates.weight_decay,
        max_epochs=n_epochs,
        batch_size=resolve_batch_size(estimator.batch_size, n_images),
        augmentation=Augmentation(augmentation),
        precision=resolve_precision(estimator._wanted_precision(), device),
        lr_factors=estimator._lr_factors(),
        compile=estimator.compile,
        device=str(device),
        seed=estimator._seed,
        callbacks=callbacks,
        classes=estimator.classes_,
        verbose=int(estimator.verbose),
    )
    return net.initialize(previous)


def rebuild_net(estimator: BaseEstimator, stored: dict[str, Any]) -> FERNet:
    """Build the net of a loaded estimator, on the CPU where its device is missing.

    Parameters
    ----------
    estimator : BaseEstimator
        With all but ``net_`` restored.
    stored : dict
        ``weights``, ``history``, ``device``, ``precision`` and ``batch_size``, as
        ``__getstate__`` wrote them.

    Returns
    -------
    FERNet
        Ready to predict and to train on.
    """
    import torch

    from sk_fer.estimators._persistence import unpack_weights
    from sk_fer.modules import build_module, seeded_init
    from sk_fer.training import FERNet, WeightedCrossEntropy, resolve_device, resolve_precision

    precision = stored["precision"]
    try:
        device = resolve_device(stored["device"])
        dtype = resolve_precision(precision, device)
    except ValueError:
        device = torch.device("cpu")
        dtype = resolve_precision("auto", device)
    with seeded_init():
        module = build_module(**estimator._module_config)
    unpack_weights(module, stored["weights"])
    net = FERNet(
        module,
        criterion=WeightedCrossEntropy(),
        precision=dtype,
        device=str(device),
        batch_size=stored["batch_size"],
        seed=estimator._seed,
        classes=getattr(estimator, "classes_", ()),  # FERFeatures has none
        verbose=0,
    ).initialize()
    net.history.extend({**row, "batches": []} for row in stored["history"])
    return net


def user_callbacks(
    estimator: BaseEstimator, *, validated: bool, partial: bool = False
) -> list[tuple[str, Any]]:
    """Return the `callbacks` parameter as named instances that can work in this fit.

    Parameters
    ----------
    estimator : BaseEstimator
        In ``fit`` or ``partial_fit``.
    validated : bool
        Whether there are validation images.
    partial : bool, default=False
        Whether this is ``partial_fit``.

    Returns
    -------
    list of (name, skorch callback)

    Raises
    ------
    TypeError
        If one of them is no callback.
    ValueError
        If one of them cannot work in this fit.
    """
    from sk_fer.training.callbacks import check_callbacks, give_own_folders

    callbacks = [
        (name, callback() if isinstance(callback, type) else callback)
        for name, callback in named_callbacks(estimator.callbacks)
        if callback is not None
    ]
    lr_schedule = None if partial else estimator.lr_schedule
    check_callbacks(callbacks, validated=validated, lr_schedule=lr_schedule, partial=partial)
    if getattr(estimator, "_callbacks_are_copies", False):
        give_own_folders(callbacks)
    return callbacks


def fit_callbacks(
    estimator: BaseEstimator, context: Any, data: dict[str, Any], *, validated: bool
) -> list[Any]:
    """Return the callbacks of a whole fit, in the order in which they run.

    Parameters
    ----------
    estimator : BaseEstimator
        In ``fit``.
    context : sklearn.callback.CallbackContext
        Of the fit.
    data : dict
        ``X``, ``y`` and ``metadata``, for scikit-learn's callbacks.
    validated : bool
        Whether there are validation images.

    Returns
    -------
    list of (name, skorch callback) or skorch callbacks
    """
    from skorch.callbacks import EarlyStopping

    from sk_fer.training import FitTasks, ProgressiveResizing, schedule_callbacks

    lr = resolve_optimizer_settings(estimator).lr
    callbacks = [
        ("sk_fer_tasks", FitTasks(estimator, context, data)),
        *schedule_callbacks(estimator.lr_schedule, lr, estimator.max_epochs, validated=validated),
        *user_callbacks(estimator, validated=validated),
    ]
    if estimator._resizes():
        callbacks.append(("sk_fer_resizing", ProgressiveResizing(estimator.max_epochs)))
    if estimator.early_stopping:
        stopping = EarlyStopping(
            monitor="valid_loss",
            patience=estimator.n_iter_no_change,
            threshold=estimator.tol,
            threshold_mode="abs",
            load_best=True,
        )
        callbacks.append(("sk_fer_early_stopping", stopping))
    return callbacks
