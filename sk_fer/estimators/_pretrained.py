"""Classifiers that fine-tune a pretrained network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partialmethod
from numbers import Real
from os import PathLike
from typing import Any

from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval
from sk_fer.estimators._backbone_parameters import (
    BACKBONE_CONSTRAINTS,
    BACKBONE_DOCS,
    HEADS,
    TRAINABLE,
    resolve_input_size,
)
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._parameters import (
    SHARED_CONSTRAINTS,
    document_parameters,
    parameters_and_attributes,
)
from sk_fer.estimators._pooled_features import PooledFeatures
from sk_fer.estimators._weights_parameter import WeightsParameter


@document_parameters(**BACKBONE_DOCS)
class FERPretrainedClassifier(PooledFeatures, WeightsParameter, BaseFERClassifier):
    """A pretrained network that is fine-tuned with a new head.

    The backbone starts with weights that were trained on other images. `trainable` selects the
    parts that are trained on the faces.

    Parameters
    ----------
    {backbone_parameters}
    head : {"linear", "conv"}
        The head. "linear" is dropout and a linear layer on the pooled features of the
        backbone. "conv" is a convolution of 256 filters, max-pool, batch normalization, dropout
        and a linear layer on its feature map.
    trainable : {"head", "last_stage", "all"} or dict of int to one of these
        The part that is trained: the head, the head and the last stage of the backbone, or
        everything. A dict such as ``{1: "head", 4: "last_stage", 8: "all"}`` gives the part
        from each epoch on, counted from one. :meth:`partial_fit` always trains the part of
        epoch one. With "head" and ``augment=None``, :meth:`fit` runs the backbone once over the
        images and trains the head on its features, if they need no more than 2 GiB.
    backbone_lr_factor : float
        The learning rate of the backbone as a share of `lr`.
    freeze_batch_norm : bool or "auto"
        Whether the batch normalization of the backbone keeps the statistics of the weights.
        "auto" does so for fewer than 2,000 training images (in one call of
        :meth:`partial_fit`), because the statistics of small batches of few images are less
        accurate. It has no effect if `weights` is None. Parts that are not trained always keep
        their statistics.
    {size_parameters}
    dropout : float in [0, 1)
        The share of the values that are dropped in the head in training.
    {shared_parameters}

    Attributes
    ----------
    {shared_attributes}

    See Also
    --------
    FERResNet50Classifier : Fine-tuned ResNet50.
    FEREfficientNetB2Classifier : Fine-tuned EfficientNetB2.
    FERFeatures : The features of a backbone, for any classifier.
    FERCNNClassifier : Convolutional networks that are trained from scratch.

    Notes
    -----
    ``normalize="auto"`` normalizes images as in the training of the weights. For "imagenet" and
    for files of timm and torchvision, these are timm's mean and standard deviation of the
    channels (in the range 0 to 255 for uint8 images, and 0 to 1 for float images). For gray
    images, the RGB filters of the first convolution are summed, and the means and standard
    deviations of the channels are averaged. Dropout and stochastic depth of timm's models are
    turned off, so that fits are reproducible.

    A search clones its estimator, but keeps the fitted classifier in `weights`. In a parameter
    grid, pass ``FrozenEstimator(classifier)`` instead, because a search clones the values of the
    grid.

    References
    ----------
    .. [1] Wightman, "PyTorch Image Models", 2019: timm.
    .. [2] He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.
    .. [3] Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
       Networks", ICML 2019.

    Examples
    --------
    Train a network on some faces and fine-tune it on others:

    >>> from sk_fer import FERCNNClassifier, FERPretrainedClassifier
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(64, random_state=0)
    >>> first = FERCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> X, y = make_faces(28, random_state=1)
    >>> model = FERPretrainedClassifier(
    ...     "fast", weights=first, trainable="head", augment=None, max_epochs=2, random_state=0
    ... )
    >>> model.fit(X, y).transform(X).shape
    (28, 256)
    """

    _parameter_constraints = {
        **SHARED_CONSTRAINTS,
        **BACKBONE_CONSTRAINTS,
        "head": [StrOptions(set(HEADS))],
        "trainable": [StrOptions(set(TRAINABLE)), Mapping],
        "backbone_lr_factor": [Interval(Real, 0, None, closed="neither")],
        "freeze_batch_norm": ["boolean", StrOptions({"auto"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        backbone: str = "resnet50",
        *,
        weights: Any = "imagenet",
        head: str = "linear",
        trainable: Any = "all",
        backbone_lr_factor: float = 0.1,
        freeze_batch_norm: bool | str = "auto",
        input_size: int | tuple[int, int] | str | None = "auto",
        stem: str = "full",
        dropout: float = 0.2,
        max_epochs: int = 20,
        batch_size: int | str = 32,
        optimizer: str = "adamw",
        lr: float | str = "auto",
        momentum: float | str = "auto",
        weight_decay: float | str = "auto",
        lr_schedule: str | None = "one_cycle",
        criterion: str = "cross_entropy",
        label_smoothing: float = 0.1,
        class_weight: Any = None,
        normalize: str = "auto",
        augment: Any = "auto",
        tta: bool = False,
        validation_fraction: float | None = None,
        early_stopping: bool = False,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        image_shape: int | tuple[int, ...] | None = None,
        warm_start: bool = False,
        checkpoint: str | PathLike[str] | dict[str, Any] | None = None,
        device: Any = "auto",
        precision: str = "auto",
        compile: bool = False,
        callbacks: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.head = head
        self.trainable = trainable
        self.backbone_lr_factor = backbone_lr_factor
        self.freeze_batch_norm = freeze_batch_norm
        self.input_size = input_size
        self.stem = stem
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.lr_schedule = lr_schedule
        self.criterion = criterion
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.normalize = normalize
        self.augment = augment
        self.tta = tta
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.image_shape = image_shape
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.compile = compile
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    # -- the network -----------------------------------------------------------------------

    def _network(self) -> tuple[str, dict[str, Any]]:
        options = {
            "backbone": self.backbone,
            "head": self.head,
            "stem": self.stem,
            "dropout": float(self.dropout),
            "input_size": resolve_input_size(self.input_size, self.backbone),
        }
        return "pretrained", options


@document_parameters(inherited=parameters_and_attributes(FERPretrainedClassifier))
class FERResNet50Classifier(FERPretrainedClassifier):
    """Fine-tuned ResNet50: :class:`FERPretrainedClassifier` with ``backbone="resnet50"``.

    All parameters and attributes are those of :class:`FERPretrainedClassifier`.

    {inherited}

    See Also
    --------
    FERPretrainedClassifier : Fine-tune any other backbone.
    FERFeatures : Use the features of a backbone with any classifier.

    References
    ----------
    .. [1] He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> from sk_fer import FERResNet50Classifier
    >>> FERResNet50Classifier(weights=None, head="conv").backbone
    'resnet50'
    """

    __init__ = partialmethod(FERPretrainedClassifier.__init__, backbone="resnet50")


@document_parameters(inherited=parameters_and_attributes(FERPretrainedClassifier))
class FEREfficientNetB2Classifier(FERPretrainedClassifier):
    """Fine-tuned EfficientNetB2: the pretrained classifier with ``backbone="efficientnet_b2"``.

    All parameters and attributes are those of :class:`FERPretrainedClassifier`.

    {inherited}

    See Also
    --------
    FERPretrainedClassifier : Fine-tune any other backbone.
    FERFeatures : Use the features of a backbone with any classifier.

    References
    ----------
    .. [1] Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
       Networks", ICML 2019.

    Examples
    --------
    >>> from sk_fer import FEREfficientNetB2Classifier
    >>> FEREfficientNetB2Classifier(weights=None).backbone
    'efficientnet_b2'
    """

    __init__ = partialmethod(FERPretrainedClassifier.__init__, backbone="efficientnet_b2")
