"""The convolutional classifiers that are trained from scratch."""

from numbers import Real
from os import PathLike
from textwrap import indent
from typing import Any

from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval, NameIn
from sk_fer._utils._networks import architectures, list_networks
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._parameters import SHARED_CONSTRAINTS, document_parameters

_ARCHITECTURE = f"""
architecture : {{{", ".join(f'"{name}"' for name in architectures())}}}
    The network. Images with a side below its smallest size are enlarged on the device: 16 pixels
    for "fast" and "accurate", 8 for "sequential", and 18 for "vgg".

{indent(list_networks(architectures()), "    ")}
"""


@document_parameters(architecture=_ARCHITECTURE)
class FERCNNClassifier(BaseFERClassifier):
    """A convolutional network that is trained from scratch.

    With the default parameters, it trains on FER2013 in minutes on a CPU.

    Parameters
    ----------
    {architecture}
    dropout : float in [0, 1), or None
        The share of the values that the dropout layers of the network drop in training. If
        None, it is 0.3 for "fast", 0.4 for "accurate", 0.5 for "sequential" and 0.25 for "vgg".
    progressive_resizing : bool or "auto"
        Whether :meth:`fit` trains on images of half the side in the first quarter of the
        epochs, of two thirds and five sixths in the next two, and on whole images in the last
        quarter. "auto" does so for 30 epochs or more. It has no effect on "sequential" and
        "vgg", which are built for one size, on images of less than 8x8 pixels, and if
        `early_stopping` or ``lr_schedule="plateau"`` is used, because small images change the
        validation loss.
    {shared_parameters}

    Attributes
    ----------
    {shared_attributes}

    See Also
    --------
    FERDenseClassifier : Network of dense layers only.
    FERPretrainedClassifier : Fine-tuning of a pretrained network.
    make_classifier : Classifiers with the settings of the systems from which they come.

    Examples
    --------
    >>> from sk_fer import FERCNNClassifier
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(64, random_state=0)
    >>> model = FERCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> model.predict(X[:2]).shape
    (2,)
    """

    _parameter_constraints = {
        **SHARED_CONSTRAINTS,
        "architecture": [NameIn("sk_fer._utils._networks", "architectures")],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
        "progressive_resizing": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        architecture: str = "fast",
        dropout: float | None = None,
        *,
        progressive_resizing: bool | str = "auto",
        max_epochs: int = 20,
        batch_size: int | str = "auto",
        optimizer: str = "muon",
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
        self.architecture = architecture
        self.dropout = dropout
        self.progressive_resizing = progressive_resizing
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

    def _network(self) -> tuple[str, dict[str, Any]]:
        return self.architecture, {} if self.dropout is None else {"dropout": float(self.dropout)}
