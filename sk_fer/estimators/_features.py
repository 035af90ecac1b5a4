"""The features of a backbone, for any classifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from sk_fer.estimators._backbone_parameters import (
    BACKBONE_CONSTRAINTS,
    BACKBONE_DOCS,
    resolve_input_size,
)
from sk_fer.estimators._build_net import new_module, wanted_precision
from sk_fer.estimators._image_input import ImageInput
from sk_fer.estimators._parameters import SHARED_CONSTRAINTS, document_parameters
from sk_fer.estimators._pooled_features import PooledFeatures
from sk_fer.estimators._stored_net import StoredNet
from sk_fer.estimators._weights_parameter import WeightsParameter

_SHARED = ("normalize", "image_shape", "device", "precision", "random_state")


@document_parameters(**BACKBONE_DOCS)
class FERFeatures(PooledFeatures, WeightsParameter, ImageInput, StoredNet):
    """Transformer that extracts the pooled features of a pretrained network from faces.

    It learns nothing from the faces, except for the statistics of ``normalize="dataset"``.

    Parameters
    ----------
    {backbone_parameters}
    {size_parameters}
    normalize : {"auto", "image", "dataset", "none"}
        The normalization of the images, as in :class:`FERPretrainedClassifier`. "auto" is the
        normalization that the weights were trained with.
    image_shape : int, tuple of (height, width) or (height, width, channels), or None
        The shape of images that are flat rows, as in :class:`FERPretrainedClassifier`.
    device : str or torch.device
        The device. "auto" is CUDA, then MPS, then the CPU, whichever is available first. Other
        values are devices that torch knows.
    precision : {"auto", "float32", "bfloat16", "float16"}
        The type in which matrix products are computed, as in :class:`FERPretrainedClassifier`.
    random_state : int, RandomState instance or None
        The seed of the random weights if `weights` is None.

    Attributes
    ----------
    n_features_in_ : int
        The number of values in an image: pixels times channels.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of the columns. Defined only if `X` was a DataFrame with names of type str.
    image_shape_ : tuple of (height, width, channels)
        The shape of an image.
    net_ : FERNet
        The skorch net around the backbone.

    See Also
    --------
    FERPretrainedClassifier : Fine-tune the backbone with a new head.

    Notes
    -----
    A grid search over a Pipeline runs the backbone over all images for each candidate and fold.
    ``Pipeline(..., memory="folder")`` runs it over the training images once per fold, and over
    the test images for each candidate. The backbone itself learns nothing from the images, except
    for the statistics of ``normalize="dataset"``. The fastest way is therefore to call
    ``fit_transform(X)`` once and to search over the features.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sk_fer import FERCNNClassifier, FERFeatures
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(64, random_state=0)
    >>> network = FERCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    >>> model = make_pipeline(FERFeatures("fast", weights=network), LogisticRegression(C=0.1))
    >>> model.fit(X, y)[:-1].transform(X).shape
    (64, 256)
    """

    _parameter_constraints = {
        **BACKBONE_CONSTRAINTS,
        **{name: SHARED_CONSTRAINTS[name] for name in _SHARED},
        "normalize": [StrOptions({"auto", "image", "dataset", "none"})],
    }

    def __init__(
        self,
        backbone: str = "resnet50",
        *,
        weights: Any = "imagenet",
        input_size: int | tuple[int, int] | str | None = "auto",
        stem: str = "full",
        normalize: str = "auto",
        image_shape: int | tuple[int, ...] | None = None,
        device: Any = "auto",
        precision: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.input_size = input_size
        self.stem = stem
        self.normalize = normalize
        self.image_shape = image_shape
        self.device = device
        self.precision = precision
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Build the backbone with its weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n_samples, height, width) or \
                (n_samples, height, width, channels)
            The images, uint8 or float.
        y : None, default=None
            Ignored. It is there so that the transformer can be a step of a pipeline.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        OSError, ValueError
            If the backbone or the weights do not exist, or if the backbone cannot process
            images of this size.
        """
        from sk_fer.training import FaceDataset, FERNet, resolve_device, resolve_precision

        device = resolve_device(self.device)
        with self._unchanged_if_refused():
            images = self._check_images(X, reset=True)
            precision = resolve_precision(
                wanted_precision(self.precision, face=self._is_face()), device
            )
            self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            module, self._module_config = new_module(
                self._network(),
                FaceDataset(images),
                None,
                self.get_params(),
                face=self._is_face(),
                seed=self._seed,
            )
        self.net_ = FERNet(
            module, precision=precision, device=str(device), classes=np.arange(0), verbose=0
        ).initialize()
        return self

    def _network(self) -> tuple[str, dict[str, Any]]:
        options = {
            "backbone": self.backbone,
            "head": "none",
            "stem": self.stem,
            "input_size": resolve_input_size(self.input_size, self.backbone),
        }
        return "pretrained", options
