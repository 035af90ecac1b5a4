"""The module and the skorch net that follow from the parameters of an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from sk_fer._utils._choices import LOSSES, OPTIMIZERS, find_piece
from sk_fer.estimators._choice_docs import MANY_EPOCHS
from sk_fer.estimators._fine_tuning import unfreezing
from sk_fer.estimators._parameters import (
    resolve_augmentation,
    resolve_batch_size,
    resolve_optimizer_settings,
)
from sk_fer.estimators._weights_source import open_weights

# torch and skorch are imported only in functions, so that `import sk_fer` is quick.
if TYPE_CHECKING:
    import torch

    from sk_fer.training import FaceDataset, FERNet


def new_module(
    network: tuple[str, dict[str, Any]],
    train: FaceDataset,
    classes: NDArray | None,
    parameters: Mapping[str, Any],
    *,
    face: bool,
    seed: int,
) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Build a new module with its initial weights. torch's global random state is not changed.

    Parameters
    ----------
    network : tuple of (name, options)
        The network, a name in ``sk_fer.modules.NETWORKS`` with its options.
    train : FaceDataset
        The training images, for the statistics of ``normalize="dataset"``.
    classes : ndarray of shape (n_classes,) or None
        The classes of the head. If None, there is no head.
    parameters : mapping of str to object
        The parameters of the estimator. Only `normalize` and `weights` are used.
    face : bool
        Whether the images are large enough to be faces.
    seed : int
        The seed of the random weights.

    Returns
    -------
    module : FaceModule
        The module.
    config : dict
        The arguments of :func:`sk_fer.modules.build_module` that build it again.
    """
    import torch

    from sk_fer.modules import build_module, seeded_init

    name, options = network
    weights = parameters.get("weights")
    source = None if weights is None else open_weights(weights, options["backbone"])
    of_weights = None if source is None else source.normalize
    as_trained = parameters["normalize"] == "auto"
    normalize = parameters["normalize"]
    if as_trained:
        normalize = of_weights or default_normalize(face=face)
    config: dict[str, Any] = {
        "network": name,
        "image_shape": train.X.shape[1:],
        "n_classes": 0 if classes is None else len(classes),
        "options": options,
        "normalize": normalize,
    }
    statistics: dict[str, Any] = {}
    if normalize == "dataset" and not (as_trained and of_weights == "dataset"):
        mean, std = train.channel_statistics()
        statistics = {"mean": torch.from_numpy(mean), "std": torch.from_numpy(std)}
    with seeded_init(seed):
        module: Any = build_module(**config, **statistics)
    if source is not None:
        source.load(module, classes, train.X, as_trained=as_trained)
    return module, config


def default_normalize(*, face: bool) -> str:
    """Return the value of ``normalize="auto"`` without weights that tell it."""
    return "image" if face else "dataset"


def check_same_network(
    fitted: Mapping[str, Any],
    network: tuple[str, dict[str, Any]],
    parameters: Mapping[str, Any],
    *,
    face: bool,
) -> None:
    """Raise an error if the parameters describe another network than the fitted one.

    Parameters
    ----------
    fitted : mapping
        The `config` of :func:`new_module`.
    network : tuple of (name, options)
        The network that the parameters describe.
    parameters : mapping of str to object
        The parameters. Only `normalize` and `weights` are used.
    face : bool
        Whether the images are large enough to be faces.

    Raises
    ------
    ValueError
        If they differ.
    """
    normalize = parameters["normalize"]
    if normalize == "auto":
        of_weights = parameters.get("weights") is not None
        normalize = fitted["normalize"] if of_weights else default_normalize(face=face)
    asked = {"network": network[0], "options": network[1], "normalize": normalize}
    changed = [name for name, value in asked.items() if fitted[name] != value]
    if changed:
        raise ValueError(
            f"cannot continue the fitted network, because {', '.join(changed)} was changed from "
            f"{fitted[changed[0]]!r} to {asked[changed[0]]!r}; set warm_start=False to start again"
        )


def build_net(
    module: torch.nn.Module,
    parameters: Mapping[str, Any],
    callbacks: list[tuple[str, Any]],
    *,
    n_epochs: int,
    n_images: int,
    face: bool,
    classes: NDArray,
    seed: int,
    previous: FERNet | None,
) -> FERNet:
    """Build the net that trains a module.

    Parameters
    ----------
    module : FaceModule
        The module, new or trained before.
    parameters : mapping of str to object
        The parameters of the classifier.
    callbacks : list of (name, skorch callback)
        The callbacks that do not depend on the network.
    n_epochs : int
        The number of epochs to train.
    n_images : int
        The number of training images.
    face : bool
        Whether the images are large enough to be faces.
    classes : ndarray of shape (n_classes,)
        The classes.
    seed : int
        The seed of the training.
    previous : FERNet or None
        The net that the training continues: its history, the state of its optimizer and the state
        of the callbacks that both have.

    Returns
    -------
    FERNet
        The initialized net.
    """
    from sk_fer.training import (
        Augmentation,
        FERNet,
        ProgressiveResizing,
        optimizer_settings,
        rank,
        resolve_device,
        resolve_precision,
    )

    device = resolve_device(parameters["device"])
    rates = resolve_optimizer_settings(parameters)
    settings = optimizer_settings(parameters["optimizer"], rates.momentum)
    # Small images would change the validation loss that these two watch.
    watched = parameters["early_stopping"] or parameters["lr_schedule"] == "plateau"
    resizes = parameters.get("progressive_resizing", False)
    if resizes == "auto":
        resizes = n_epochs >= MANY_EPOCHS
    resizes = resizes and face and not watched
    own_callbacks, lr_factors = [], {}
    if "trainable" in parameters:
        own_callbacks = [("sk_fer_unfreezing", unfreezing(parameters, module, n_images))]
        lr_factors = {"network.backbone.": float(parameters["backbone_lr_factor"])}
    return FERNet(
        module,
        criterion=find_piece(LOSSES[parameters["criterion"]].piece)(parameters["label_smoothing"]),
        optimizer=find_piece(OPTIMIZERS[parameters["optimizer"]].piece),
        **{f"optimizer__{name}": value for name, value in settings.items()},
        lr=rates.lr,
        weight_decay=rates.weight_decay,
        max_epochs=n_epochs,
        batch_size=resolve_batch_size(parameters["batch_size"], n_images),
        augmentation=Augmentation(
            resolve_augmentation(parameters["augment"], parameters["max_epochs"], face=face)
        ),
        resizing=ProgressiveResizing(n_epochs) if resizes else None,
        precision=resolve_precision(wanted_precision(parameters["precision"], face=face), device),
        lr_factors=lr_factors,
        compile=parameters["compile"],
        device=str(device),
        seed=seed,
        callbacks=[*own_callbacks, *callbacks],
        classes=classes,
        verbose=int(parameters["verbose"]) if rank() == 0 else 0,
    ).initialize(previous)


def wanted_precision(precision: str, *, face: bool) -> str:
    """Return the `precision` parameter, with "auto" as float32 for inputs that are not faces."""
    return "float32" if precision == "auto" and not face else precision
