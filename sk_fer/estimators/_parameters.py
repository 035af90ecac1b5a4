"""The parameters that all classifiers share: documented and constrained here, once."""

import re
from collections.abc import Callable, Mapping
from inspect import cleandoc, signature
from numbers import Integral, Real
from os import PathLike
from textwrap import indent
from typing import Any, NamedTuple, TypeVar

from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval, TorchDevice
from sk_fer._utils._layout import SIDE

AUGMENTATION_LIMITS = {"flip": 1.0, "shift": 1.0, "rotation": 180.0, "scale": 0.9, "erasing": 1.0}
STEPS_AN_EPOCH = 32
DEFAULT_AUGMENTATION = {"flip": 0.5, "shift": 0.1, "rotation": 10.0, "scale": 0.1}

# Share of the training images that early stopping sets aside where nothing else says it.
EARLY_STOPPING_FRACTION = 0.1


class OptimizerSettings(NamedTuple):
    """What "auto" stands for with an optimizer."""

    lr: float
    momentum: float
    weight_decay: float


# Of "muon" as measured in benchmarks/recipe.py; the others as is usual for them. "sgd" at 0.05
# serves large batches and batch normalization better, and makes small dense networks jump about.
OPTIMIZER_SETTINGS = {
    "muon": OptimizerSettings(lr=0.05, momentum=0.6, weight_decay=5e-4),
    "sgd": OptimizerSettings(lr=0.02, momentum=0.9, weight_decay=5e-4),
    "adam": OptimizerSettings(lr=1e-3, momentum=0.0, weight_decay=0.0),
    "adamw": OptimizerSettings(lr=1e-3, momentum=0.0, weight_decay=0.01),
    "rmsprop": OptimizerSettings(lr=1e-3, momentum=0.0, weight_decay=0.0),
    "adagrad": OptimizerSettings(lr=0.01, momentum=0.0, weight_decay=0.0),
}

SHARED_CONSTRAINTS: dict[str, list[Any]] = {
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "optimizer": [StrOptions(set(OPTIMIZER_SETTINGS))],
    "lr": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    "momentum": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
    "weight_decay": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
    "lr_schedule": [StrOptions({"one_cycle", "cosine", "step", "plateau"}), None],
    "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "normalize": [StrOptions({"auto", "image", "dataset", "none"})],
    "augment": [StrOptions({"auto"}), Mapping, "boolean", None],
    "tta": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
    "early_stopping": ["boolean"],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "image_shape": [tuple, list, SIDE, None],
    "warm_start": ["boolean"],
    "checkpoint_dir": [str, PathLike, None],
    "checkpoint_minutes": [Interval(Real, 0, None, closed="left")],
    "n_checkpoints": [Interval(Integral, 1, None, closed="left")],
    "resume": ["boolean"],
    "device": [str, TorchDevice()],
    "precision": [StrOptions({"auto", "float32", "bfloat16", "float16"})],
    "compile": ["boolean"],
    "callbacks": [list, tuple, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

SHARED_PARAMETERS = """
max_epochs : int
    Passes over the training images.
batch_size : int or "auto"
    Largest number of images in a step of the optimizer. "auto": 128 from 4,096 images on,
    half of that from 2,048 on and so forth down to 16, for few steps teach nothing.
optimizer : {"muon", "sgd", "adam", "adamw", "rmsprop", "adagrad"}
    "muon" makes the step of each matrix and filter bank orthogonal; "sgd" uses
    Nesterov's momentum.
lr : float or "auto"
    Learning rate; with a schedule, the largest. "auto" is 0.05 for "muon", 0.02 for "sgd", 0.001
    for "adam", "adamw" and "rmsprop", and 0.01 for "adagrad". ``history_["lr"]`` has the
    rate of each epoch.
momentum : float in [0, 1) or "auto"
    For "muon", "sgd" and "rmsprop"; the other optimizers do not use it. "auto" is 0.6 for
    "muon", 0.9 for "sgd" and 0 for "rmsprop".
weight_decay : float or "auto"
    L2 penalty on weights, apart from the gradient in "adamw" and "muon"; biases and
    normalization layers have none. "auto" is 0.0005 for "muon" and "sgd", 0.01 for "adamw"
    and 0 for the others.
lr_schedule : {"one_cycle", "cosine", "step", "plateau"} or None
    "one_cycle" rises for a quarter of the fit and then falls to zero; "cosine" falls
    to zero; "step" divides by ten after each third; "plateau" divides by ten when the
    validation loss (without validation, the training loss) has not fallen for five
    epochs; None keeps `lr`, as :meth:`partial_fit` always does.
label_smoothing : float in [0, 1)
    Share of each target that is spread evenly over the classes.
class_weight : "balanced", dict of label to weight, or None
    Weight of each class in the loss; "balanced" weighs by the inverse frequency.
    Labels that a dict leaves out weigh 1. All weights are scaled to a mean of one.
normalize : {"auto", "image", "dataset", "none"}
    "image" gives every image zero mean and unit variance, so that light, contrast and
    the range of the pixels do not matter; "dataset" standardizes with the mean and
    spread of the training images; "auto" is what the weights want that a
    pretrained network starts from, else "image" for images of 8x8 pixels and more and
    "dataset" for anything smaller.
augment : "auto", dict, bool or None
    Random variation of the training images, each image by its own draw. A dict of any
    of ``"flip"`` (probability of a mirror image), ``"shift"`` (largest, as a share of
    the side), ``"rotation"`` (largest, degrees), ``"scale"`` (largest relative change),
    ``"erasing"`` (probability of a blanked rectangle); what is left out is off. "auto"
    is ``{"flip": 0.5, "shift": 0.1, "rotation": 10.0, "scale": 0.1}`` for images of 8x8
    pixels and more, and so is True; None and False are off.
tta : bool
    Predict the mean over an image and its mirror image (test-time augmentation), which
    takes twice the time.
validation_fraction : float in (0, 1) or None
    Share of the training images that is set aside, stratified where the classes allow
    it, to report the validation loss and accuracy of each epoch. None trains on all.
    ``X_val`` given to :meth:`fit` goes before it.
early_stopping : bool
    Stop when the validation loss has not fallen by `tol` for `n_iter_no_change` epochs,
    and keep the weights of the last epoch in which it had. Without `validation_fraction`
    and ``X_val``, 10 % of the training images are set aside for it.
n_iter_no_change : int
    Epochs without improvement before early stopping.
tol : float
    Smallest fall of the validation loss that counts as improvement.
image_shape : int, tuple of (height, width) or (height, width, channels), or None
    Shape of the images in flat rows; an int is the side of a square. None: a square where
    the number of features is a square number. Of other rows dense layers make one strip, 1
    pixel high. Convolutional networks do so with fewer than 64 features, which are no
    picture, and refuse longer rows, whose shape is not known; ``(1, n_features)`` is a strip.
warm_start : bool
    Whether :meth:`fit` goes on from the weights and the optimizer of the fit before,
    with the same network.
checkpoint_dir : str, path-like or None
    Folder that :meth:`fit` writes its state to after each epoch. A fit that was cut
    off, at whatever moment, goes on from there when it is called again with the same
    data and parameters, on a CPU to the same bits; one that had ended returns its model
    at once. Other data or parameters are refused, and so is a folder that another fit
    is using or that cannot be written. A disk that fills up later costs one warning.
    Clones, as searches and cross-validation make them, keep a folder each in it.
checkpoint_minutes : float
    Least time between two checkpoints; 0 writes each epoch. SIGTERM, Ctrl-C, an error
    and the end write the state after the last whole epoch; a part of one is done again.
n_checkpoints : int
    How many to keep: the one before stands in for one that was damaged.
resume : bool
    Whether to go on from a checkpoint. False starts anew and removes those that are
    there, of whatever data and parameters.
device : str or torch.device
    "auto" (CUDA, then MPS, then the CPU), or a device that torch knows.
precision : {"auto", "float32", "bfloat16", "float16"}
    Type that matrix products run in. "auto": bfloat16 where the hardware computes in
    it, float16 with a gradient scaler on older CUDA devices, float32 otherwise and for
    inputs smaller than 8x8 pixels, which are features rather than pictures.
compile : bool
    Let ``torch.compile`` make the training steps: worth its start of a minute or so in
    long fits. Needs a C++ compiler (on a CPU) or Triton (on a GPU).
callbacks : list of skorch callbacks, or None
    Instances or classes, alone or as (name, callback), that work as in skorch:

    - Each fit initializes them anew, and what they gathered can be read off them.
      :meth:`partial_fit` and warm starts go on with their state.
    - Scoring callbacks get the labels that :meth:`fit` was given; of soft targets, the
      label of the largest share. They score the validation images; where there are none, a
      warning says that their column is missing.
    - A callback that watches a column which no epoch has, such as ``"valid_loss"``
      without validation images, is refused at the start of the fit.
      ``"valid_acc"`` means ``"valid_accuracy"``.
    - ``LRScheduler`` needs ``lr_schedule=None``. ``InputShapeSetter`` is refused, as
      the network takes its input shape from `X`.
    - ``callbacks__<name>=None`` leaves a callback out, ``callbacks__<name>__<parameter>``
      sets a parameter of one, in :meth:`set_params` and in searches. A callback without a
      name is named after its class.
    - Searches and cross-validation fit clones. A clone has copies of the callbacks, and
      ``Checkpoint`` and ``TrainEndCheckpoint`` of a clone write into a folder of their own
      in their `dirname`, which is a part of their parameter `dirname` after the fit.

    For scikit-learn's callbacks see :meth:`set_callbacks`.
random_state : int, RandomState instance or None
    Weights, order of the images, augmentation, dropout and the validation split. With
    an int the same call gives the same bits on a CPU.
verbose : int
    0 is silent; 1 prints a line an epoch.
"""

SHARED_ATTRIBUTES = """
classes_ : ndarray of shape (n_classes,)
    The class labels, sorted.
n_features_in_ : int
    Pixels times channels of an image.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the columns, where `X` was a DataFrame with such.
image_shape_ : tuple of (height, width, channels)
    Shape of one image.
history_ : DataFrame
    A row an epoch: ``epoch``, ``train_loss``, ``train_accuracy``, ``valid_loss`` and
    ``valid_accuracy`` (with validation), ``lr``, ``seconds``, and what callbacks add.
n_epochs_ : int
    Epochs trained so far.
net_ : FERNet
    The fitted skorch net.
versions_ : dict
    Versions of the libraries that wrote the file; on loaded estimators only.
"""

Class = TypeVar("Class", bound=type)


def document_parameters(**texts: str) -> Callable[[Class], Class]:
    """Return a decorator that fills texts into a class docstring in place of ``{name}``.

    ``{shared_parameters}`` and ``{shared_attributes}`` are always filled in. The default of each
    parameter is written after its type, as it is in the signature.

    Parameters
    ----------
    **texts : str
        The texts, by the names that stand in the docstring.

    Returns
    -------
    callable
        The decorator.
    """
    texts = {
        "shared_parameters": SHARED_PARAMETERS,
        "shared_attributes": SHARED_ATTRIBUTES,
        **texts,
    }

    def fill_in(cls: Class) -> Class:
        doc = cls.__doc__ or ""
        for name, text in texts.items():
            doc = doc.replace(f"    {{{name}}}", indent(text.strip(), "    "))
        for name, parameter in signature(cls).parameters.items():
            default = parameter.default
            shown = f'"{default}"' if isinstance(default, str) else repr(default)
            line = re.compile(rf"^(    {name} : .+?)(, default=.+)?$", re.MULTILINE)
            doc = line.sub(rf"\1, default={shown}", doc)
        cls.__doc__ = doc
        return cls

    return fill_in


def parameters_and_attributes(cls: type) -> str:
    """Return these two sections of the docstring of a class, for its subclasses."""
    sections = cleandoc(cls.__doc__ or "").partition("Parameters\n")
    return sections[1] + sections[2].partition("\nSee Also\n")[0]


def resolve_batch_size(batch_size: int | str, n_images: int) -> int:
    """Turn the `batch_size` parameter into a number of images.

    Parameters
    ----------
    batch_size : int or "auto"
        The parameter.
    n_images : int
        To train on.

    Examples
    --------
    >>> [resolve_batch_size("auto", n) for n in (100, 1000, 3000, 28709)]
    [16, 16, 64, 128]
    """
    if batch_size == "auto":
        power = max(n_images // STEPS_AN_EPOCH, 1).bit_length() - 1
        return min(max(2**power, 16), 128)
    return int(batch_size)


def resolve_optimizer_settings(estimator: Any) -> OptimizerSettings:
    """Turn the parameters `lr`, `momentum` and `weight_decay` into numbers.

    Parameters
    ----------
    estimator : BaseFERClassifier
        With these parameters and an `optimizer`.

    Returns
    -------
    OptimizerSettings

    Examples
    --------
    >>> from sk_fer import FERCNNClassifier
    >>> resolve_optimizer_settings(FERCNNClassifier(optimizer="sgd", lr=0.1))
    OptimizerSettings(lr=0.1, momentum=0.9, weight_decay=0.0005)
    """
    usual = OPTIMIZER_SETTINGS[estimator.optimizer]
    given = {name: getattr(estimator, name) for name in usual._fields}
    return usual._replace(**{k: float(v) for k, v in given.items() if v != "auto"})


def resolve_augmentation(
    augment: str | bool | Mapping[str, float] | None, *, face: bool
) -> dict[str, float]:
    """Turn the `augment` parameter into the variations that are on.

    Parameters
    ----------
    augment : "auto", mapping, bool or None
        The parameter.
    face : bool
        Whether the images are large enough to be faces.

    Returns
    -------
    dict of str to float
        Empty where nothing is varied.

    Raises
    ------
    ValueError
        If a variation is unknown or its strength out of range.
    """
    if not isinstance(augment, (str, Mapping)) and not augment:
        return {}
    if not isinstance(augment, Mapping):
        return dict(DEFAULT_AUGMENTATION) if face else {}
    for name, strength in augment.items():
        if name not in AUGMENTATION_LIMITS:
            raise ValueError(f"augment has {name!r}; wanted any of {list(AUGMENTATION_LIMITS)}")
        limit = AUGMENTATION_LIMITS[name]
        if not Interval(Real, 0, limit, closed="both").is_satisfied_by(strength):
            raise ValueError(f"augment[{name!r}] is {strength!r}; wanted a number in [0, {limit}]")
    return {name: float(strength) for name, strength in augment.items() if strength}
