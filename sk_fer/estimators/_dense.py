"""The classifier with dense layers only."""

from numbers import Integral, Real
from os import PathLike
from typing import Any

from sklearn.utils._param_validation import StrOptions

from sk_fer._utils._constraints import Interval
from sk_fer._utils._layout import check_integers
from sk_fer.estimators._base import BaseFERClassifier
from sk_fer.estimators._parameters import SHARED_CONSTRAINTS, document_parameters

_UNITS = Interval(Integral, 1, None, closed="left")


@document_parameters()
class FERDenseClassifier(BaseFERClassifier):
    """A network of dense layers.

    Every pixel is a separate input. The network trains quickly and is a baseline for convolutional
    networks.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, or int
        The number of units of each hidden layer. An int is the size of a single layer.
    activation : {"relu", "elu", "gelu", "leaky_relu", "sigmoid", "silu", "tanh"}
        The activation after each hidden layer.
    dropout : float in [0, 1)
        The share of the units that are dropped in training after each hidden layer.
    {shared_parameters}

    Attributes
    ----------
    {shared_attributes}

    See Also
    --------
    FERCNNClassifier : Convolutional networks.
    sklearn.neural_network.MLPClassifier : Multi-layer perceptron of scikit-learn, on the CPU.

    Examples
    --------
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(200, random_state=0)
    >>> model = FERDenseClassifier((64,), max_epochs=10, random_state=0).fit(X, y)
    >>> model.predict_proba(X[:3]).shape
    (3, 7)
    >>> model.history_.columns.tolist()
    ['epoch', 'train_loss', 'train_accuracy', 'lr', 'seconds']
    """

    _needs_picture = False
    _parameter_constraints = {
        **SHARED_CONSTRAINTS,
        "hidden_layer_sizes": [tuple, list, _UNITS],
        "activation": [
            StrOptions({"relu", "elu", "gelu", "leaky_relu", "sigmoid", "silu", "tanh"})
        ],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | tuple[int, ...] = (512, 256, 128),
        activation: str = "relu",
        dropout: float = 0.0,
        *,
        max_epochs: int = 20,
        batch_size: int | str = "auto",
        optimizer: str = "adam",
        lr: float | str = "auto",
        momentum: float | str = "auto",
        weight_decay: float | str = "auto",
        lr_schedule: str | None = "one_cycle",
        criterion: str = "cross_entropy",
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        normalize: str = "auto",
        augment: Any = None,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
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

    def _network(self) -> tuple[str, dict[str, Any]]:
        sizes = check_integers(self.hidden_layer_sizes, "hidden_layer_sizes", "integers > 0")
        options = {
            "hidden_layer_sizes": list(sizes),
            "activation": self.activation,
            "dropout": float(self.dropout),
        }
        return "dense", options
