"""The documentation and constraints of the parameters that all classifiers share."""

import re
from collections.abc import Callable, Mapping
from inspect import cleandoc, signature
from numbers import Integral, Real
from os import PathLike
from textwrap import indent
from typing import Any, NamedTuple, TypeVar

from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._choices import CHANGES, OPTIMIZERS
from sk_fer._utils._constraints import Interval, NameIn, TorchDevice
from sk_fer._utils._layout import SIDE
from sk_fer.estimators._choice_docs import (
    AUGMENT_PARAMETER,
    DEFAULT_AUGMENTATION,
    FEW_EPOCHS,
    MANY_EPOCHS,
    OPTIMIZATION_PARAMETERS,
)

STEPS_AN_EPOCH = 32


class OptimizerSettings(NamedTuple):
    """The learning rate, momentum and weight decay of a fit."""

    lr: float
    momentum: float
    weight_decay: float


SHARED_CONSTRAINTS: dict[str, list[Any]] = {
    "max_epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "optimizer": [NameIn("sk_fer._utils._choices", "OPTIMIZERS")],
    "lr": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    "momentum": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
    "weight_decay": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
    "lr_schedule": [NameIn("sk_fer._utils._choices", "SCHEDULES"), None],
    "criterion": [NameIn("sk_fer._utils._choices", "LOSSES")],
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
    "checkpoint": [str, PathLike, Mapping, None],
    "device": [str, TorchDevice()],
    "precision": [StrOptions({"auto", "float32", "bfloat16", "float16"})],
    "compile": ["boolean"],
    "callbacks": [list, tuple, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

SHARED_PARAMETERS = f"""
max_epochs : int
    The number of passes over the training images.
batch_size : int or "auto"
    The number of images in a step of the optimizer. "auto" is 128 for 4,096 training images or
    more, 64 for 2,048 or more, 32 for 1,024 or more, and 16 for fewer images, so that an epoch of
    few images has enough steps.
{OPTIMIZATION_PARAMETERS}
label_smoothing : float in [0, 1)
    The share of each target that is distributed evenly over the classes.
class_weight : "balanced", dict of label to weight, or None
    The weight of each class in the loss. "balanced" gives each class the inverse of its
    frequency as weight. Classes that are missing in a dict have weight 1. All weights are
    scaled to a mean of one.
normalize : {{"auto", "image", "dataset", "none"}}
    The normalization of the images. "image" gives each image zero mean and unit variance, so
    that light, contrast and the range of the pixels do not matter. "dataset" standardizes with
    the mean and standard deviation of the training images. "none" changes nothing. "auto" is
    the normalization that the weights of a pretrained network were trained with. Without such
    weights, it is "image" for images of 8x8 pixels or more and "dataset" for smaller ones.
{AUGMENT_PARAMETER}
tta : bool
    Whether to predict the mean over an image and its mirror image (test-time augmentation),
    which takes twice the time.
validation_fraction : float in (0, 1) or None
    The share of the training images that is set aside to measure the validation loss and
    accuracy of each epoch. The split is stratified if the classes allow it. With the ``groups``
    of :meth:`fit`, whole groups are set aside, and the share is kept as nearly as they allow. If
    None, all images are used for training. It is not used if ``X_val`` is passed to :meth:`fit`.
early_stopping : bool
    Whether to stop when the validation loss has not decreased by `tol` for `n_iter_no_change`
    epochs, and to keep the weights of the last epoch in which it has. If neither
    `validation_fraction` nor ``X_val`` is given, 10 % of the training images are set aside for
    it.
n_iter_no_change : int
    The number of epochs without improvement after which early stopping ends the fit.
tol : float
    The smallest decrease of the validation loss that counts as improvement.
image_shape : int, tuple of (height, width) or (height, width, channels), or None
    The shape of images that are flat rows. An int is the side of a square. If None, the images
    are square if the number of features is a square number. Rows of another length are strips
    with a height of 1 for dense layers. Convolutional networks accept such rows only if they
    have fewer than 64 features, which are not a picture, and refuse longer ones.
    ``(1, n_features)`` always means a strip.
warm_start : bool
    Whether :meth:`fit` continues with the weights and the optimizer of the previous fit, with
    the same network.
checkpoint : str, path-like, dict or None
    The folder to which :meth:`fit` writes its state after each epoch. A fit that was interrupted
    at any time continues when it is called again with the same data and parameters, with
    exactly the same result on a CPU. If it had ended, its model is returned at once. Other data
    or parameters are refused, and so is a folder that another fit uses or that cannot be
    written to. If the disk becomes full later, a warning is issued once. Clones, for example in
    searches and cross-validation, use subfolders.

    A dict has the key ``"folder"`` and can have these keys:

    - ``"minutes"`` (default 0): the minimum time between two checkpoints, in minutes. With 0,
      one is written after each epoch. The state after the last complete epoch is also written at
      the end of the fit and after SIGTERM, Ctrl-C or an error. An incomplete epoch is repeated.
    - ``"keep"`` (default 2): the number of checkpoints to keep. If the last one is damaged, the
      one before is used.
    - ``"resume"`` (default True): whether to continue from a checkpoint. If False, the fit starts
      again, and existing checkpoints of any data and parameters are removed.
device : str or torch.device
    The device. "auto" is CUDA, then MPS, then the CPU, whichever is available first. Other
    values are devices that torch knows.
precision : {{"auto", "float32", "bfloat16", "float16"}}
    The type in which matrix products are computed. "auto" is bfloat16 if the hardware computes
    in bfloat16, float16 with a gradient scaler on older CUDA devices, and float32 otherwise. It
    is also float32 for inputs smaller than 8x8 pixels, which are features rather than pictures.
compile : bool
    Whether to use ``torch.compile`` for the training steps. It takes about a minute at the start
    and makes long fits faster. It needs a C++ compiler on a CPU, or Triton on a GPU.
callbacks : list of skorch callbacks, or None
    Instances or classes, alone or as (name, callback), that work as in skorch:

    - Each fit initializes the callbacks again. Their attributes remain available after the fit.
      :meth:`partial_fit` and warm starts continue with their state.
    - Scoring callbacks receive the labels that are passed to :meth:`fit`, or for soft targets the
      label with the largest share. They score the validation images. If there are none, a
      warning is issued, and their column is missing.
    - If a callback watches a column that is not in the history, such as ``"valid_loss"``
      without validation images, an error is raised at the start of the fit.
      ``"valid_acc"`` means ``"valid_accuracy"``.
    - ``LRScheduler`` requires ``lr_schedule=None``. ``InputShapeSetter`` is not supported,
      because the input shape of the network comes from `X`.
    - In :meth:`set_params` and in searches, ``callbacks__<name>=None`` removes a callback, and
      ``callbacks__<name>__<parameter>`` sets a parameter of a callback. The name of a callback
      without a given name is its class.
    - Searches and cross-validation fit clones, which have copies of the callbacks. Each
      ``Checkpoint`` and ``TrainEndCheckpoint`` of a clone writes to a separate subfolder of its
      `dirname`. After the fit, its parameter `dirname` contains this subfolder.

    For scikit-learn's callbacks see :meth:`set_callbacks`.
random_state : int, RandomState instance or None
    The seed of the weights, the order of the images, augmentation, dropout and the validation
    split. With an int, the same call gives exactly the same result on a CPU.
verbose : int
    The verbosity. 0 prints nothing, and 1 prints a line for each epoch.
"""

SHARED_ATTRIBUTES = """
classes_ : ndarray of shape (n_classes,)
    The class labels, sorted.
n_features_in_ : int
    The number of values in an image: pixels times channels.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    The names of the columns. Defined only if `X` was a DataFrame with names of type str.
image_shape_ : tuple of (height, width, channels)
    The shape of an image.
history_ : DataFrame
    One row per epoch, with the columns ``epoch``, ``train_loss``, ``train_accuracy``,
    ``valid_loss`` and ``valid_accuracy`` (if there are validation images), ``lr``, ``seconds``,
    and the columns that callbacks add.
n_epochs_ : int
    The number of epochs trained so far.
net_ : FERNet
    The fitted skorch net. ``net_.module_`` is the PyTorch module, which maps images of shape
    (n, height, width, channels) to logits. It is in evaluation mode. Predictions use its
    weights and call its forward hooks as they are at that time. Weights of convolutions are in
    the channels-last layout. Before ``torch.nn.utils.parameters_to_vector``,
    ``vector_to_parameters`` or ``torch.nn.utils.prune``, call
    ``net_.module_.to(memory_format=torch.contiguous_format)``.
versions_ : dict
    The versions of the libraries that wrote the file. Defined only for loaded estimators.
"""

Class = TypeVar("Class", bound=type)


def document_parameters(**texts: str) -> Callable[[Class], Class]:
    """Return a decorator that replaces each ``{name}`` in a class docstring with a text.

    ``{shared_parameters}`` and ``{shared_attributes}`` are always filled in. The default of each
    parameter is taken from the signature and written after its type.

    Parameters
    ----------
    **texts : str
        The texts, by their names in the docstring.

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
    """Resolve the `batch_size` parameter to a number of images.

    Parameters
    ----------
    batch_size : int or "auto"
        The parameter.
    n_images : int
        The number of training images.

    Returns
    -------
    int
        The largest number of images in a batch.

    Examples
    --------
    >>> [resolve_batch_size("auto", n) for n in (100, 1000, 3000, 28709)]
    [16, 16, 64, 128]
    """
    if batch_size == "auto":
        power = max(n_images // STEPS_AN_EPOCH, 1).bit_length() - 1
        return min(max(2**power, 16), 128)
    return int(batch_size)


def resolve_optimizer_settings(parameters: Mapping[str, Any]) -> OptimizerSettings:
    """Resolve the parameters `lr`, `momentum` and `weight_decay` to numbers.

    Parameters
    ----------
    parameters : mapping of str to object
        These parameters and `optimizer`.

    Returns
    -------
    OptimizerSettings
        The numbers.

    Examples
    --------
    >>> from sk_fer import FERCNNClassifier
    >>> resolve_optimizer_settings(FERCNNClassifier(optimizer="sgd", lr=0.1).get_params())
    OptimizerSettings(lr=0.1, momentum=0.9, weight_decay=0.0005)
    """
    auto = OPTIMIZERS[parameters["optimizer"]]
    usual = OptimizerSettings(auto.lr, auto.momentum or 0.0, auto.weight_decay)
    given = {name: parameters[name] for name in usual._fields}
    return usual._replace(**{k: float(v) for k, v in given.items() if v != "auto"})


def resolve_augmentation(
    augment: str | bool | Mapping[str, float] | None, max_epochs: int, *, face: bool
) -> dict[str, float]:
    """Resolve the `augment` parameter to the strengths of the random changes.

    Parameters
    ----------
    augment : "auto", mapping, bool or None
        The parameter.
    max_epochs : int
        The number of epochs of a fit.
    face : bool
        Whether the images are large enough to be faces.

    Returns
    -------
    dict of str to float
        The strength of each change. The dict is empty if augmentation is off.

    Raises
    ------
    ValueError
        If the name of a change is unknown, or if its strength is out of range.

    Examples
    --------
    >>> resolve_augmentation("auto", 10, face=True)
    {'flip': 0.5}
    >>> resolve_augmentation("auto", 20, face=True)
    {'flip': 0.5, 'shift': 0.05, 'rotation': 5.0, 'scale': 0.05}
    """
    if not isinstance(augment, (str, Mapping)) and not augment:
        return {}
    if not isinstance(augment, Mapping):
        if not face:
            return {}
        share = min(max((max_epochs - FEW_EPOCHS) / (MANY_EPOCHS - FEW_EPOCHS), 0.0), 1.0)
        augment = {
            name: strength if name == "flip" else share * strength
            for name, strength in DEFAULT_AUGMENTATION.items()
        }
    for name, strength in augment.items():
        if name not in CHANGES:
            raise ValueError(f"augment has {name!r}; expected any of {list(CHANGES)}")
        limit = CHANGES[name].limit
        if not Interval(Real, 0, limit, closed="both").is_satisfied_by(strength):
            raise ValueError(
                f"augment[{name!r}] is {strength!r}; expected a number in [0, {limit}]"
            )
    return {name: float(strength) for name, strength in augment.items() if strength}
