"""The convolutional classifiers that are trained from scratch."""

from numbers import Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._parameters import SHARED_CONSTRAINTS, document_shared_parameters


@document_shared_parameters
class FERCNNClassifier(BaseFERClassifier):
    """A convolutional network, trained from scratch.

    Parameters
    ----------
    architecture : {"fast", "sequential", "vgg"}
        "fast": seven convolutions with batch normalization, 1.2 million parameters, made
        for minutes on a CPU. "sequential": three convolutions of 32, 64 and 128 filters
        and two dense layers. "vgg": eight convolutions in four blocks and four dense
        layers, 5.9 million parameters. Images too small for a network's poolings (a side
        below 16, 8 and 18) are enlarged on the device.
    dropout : float in [0, 1), or None
        Share dropped in training, where the architecture does so; None takes the
        architecture's own (0.3, 0.5 and 0.25).
    {shared_parameters}

    Attributes
    ----------
    {shared_attributes}

    See Also
    --------
    FERDenseClassifier : Dense layers only.
    make_classifier : Networks with the settings of the systems they come from.

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
        "architecture": [StrOptions({"fast", "sequential", "vgg"})],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
    }

    def __init__(
        self,
        architecture: str = "fast",
        dropout: float | None = None,
        *,
        max_epochs: int = 20,
        batch_size: int = 128,
        optimizer: str = "sgd",
        lr: float = 0.05,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        lr_schedule: str | None = "one_cycle",
        label_smoothing: float = 0.1,
        class_weight: Any = None,
        normalize: str = "auto",
        augment: Any = "auto",
        tta: bool = False,
        validation_fraction: float | None = None,
        early_stopping: bool = False,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        image_shape: tuple[int, ...] | None = None,
        warm_start: bool = False,
        device: str = "auto",
        precision: str = "auto",
        callbacks: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.architecture = architecture
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.lr_schedule = lr_schedule
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
        self.device = device
        self.precision = precision
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _network(self) -> tuple[str, dict[str, Any]]:
        return self.architecture, {} if self.dropout is None else {"dropout": self.dropout}
