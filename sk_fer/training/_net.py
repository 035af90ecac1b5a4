"""The skorch net that the estimators contain."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import EpochTimer, PrintLog
from torch import Tensor

from sk_fer.training._augment import Augmentation
from sk_fer.training._dataset import FaceDataset
from sk_fer.training._evaluation import Evaluation
from sk_fer.training._forward import forward
from sk_fer.training._loop import TrainingLoop
from sk_fer.training._optimizers import may_be_fused, parameter_groups
from sk_fer.training._out_of_memory import BatchSplitter
from sk_fer.training._resizing import ProgressiveResizing


class FERNet(TrainingLoop):
    """A skorch classifier over a :class:`sk_fer.modules.FaceModule`.

    skorch's callbacks, history and ``save_params`` work as usual. The differences are: batches
    are an index into arrays, augmentation and normalization run on the device, loss and accuracy
    are collected there and read once per epoch, Ctrl-C is not ignored, and all random numbers of
    an epoch depend only on `seed` and the number of the epoch.

    Parameters
    ----------
    module : FaceModule
        The network.
    seed : int, default=0
        The seed of the order of the samples, the augmentation and dropout.
    augmentation : Augmentation, default=None
        The random changes of the training images.
    resizing : ProgressiveResizing, default=None
        The size of the training images in each epoch.
    precision : torch.dtype, default=torch.float32
        The type in which matrix products are computed.
    weight_decay : float, default=0.0
        The L2 penalty on weights. Biases and normalization layers have none.
    lr_factors : mapping of str to float, default=None
        The learning rate of parameters as a share of `lr`, by the beginning of their names in
        the module.
    **kwargs
        The parameters of ``skorch.NeuralNetClassifier``.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        resizing: ProgressiveResizing | None = None,
        precision: torch.dtype = torch.float32,
        weight_decay: float = 0.0,
        lr_factors: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        fixed = {"train_split": None, "predict_nonlinearity": _softmax}
        super().__init__(module, **{**fixed, **kwargs})
        self.seed = seed
        self.augmentation = augmentation
        self.resizing = resizing
        self.precision = precision
        self.weight_decay = weight_decay
        self.lr_factors = lr_factors

    # -- parts of the net -----------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.initialized_:
            self.evaluation_ = Evaluation(self.module_, self.device)

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def initialize_module(self) -> "FERNet":
        """Use the module itself, in the memory layout in which convolutions are fastest."""
        self.module_ = self.module.to(memory_format=torch.channels_last).eval()
        self.evaluation_ = Evaluation(self.module_, self.device)
        self.splitter_ = BatchSplitter(
            "Gradients are added up to those of the whole batch, but batch normalization sees "
            "the parts alone."
        )
        return self

    def torch_compile(self, module: Any, name: str) -> Any:
        """Compile the network in place if the parameter `compile` of skorch is set.

        ``torch.compile`` would wrap it and put a prefix before the keys of saved weights.
        """
        if self.compile and name == "module":
            module.network.compile(**self.get_params_for("compile"))
        return module

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> "FERNet":
        """Build the optimizer, and the scaler of the gradients of float16."""
        named_parameters = list(self.get_all_learnable_params())
        _, settings = self.get_params_for_optimizer("optimizer", named_parameters)
        device_type = torch.device(self.device).type
        if may_be_fused(self.optimizer, device_type):
            settings["fused"] = True
        groups = parameter_groups(
            named_parameters,
            lr=self.lr,
            weight_decay=self.weight_decay,
            lr_factors=self.lr_factors or {},
        )
        self.optimizer_ = self.optimizer(groups, **settings)
        self.scaler_ = torch.amp.GradScaler(device_type, enabled=self.precision == torch.float16)
        return self

    # -- predictions -----------------------------------------------------------------------

    def infer(self, x: dict[str, Tensor], **_: Any) -> Tensor:
        """Return the logits of a batch in the chosen precision."""
        return forward(self.module_, x, self.precision)

    def forward_iter(self, X: Any, training: bool = False, device: str = "cpu") -> Iterator[Tensor]:
        """Yield the logits of large batches, on `device`."""
        for logits in self._evaluation().logits(self.get_dataset(X), self.precision):
            yield logits.to(device)

    def logits(self, X: Any, *, tta: bool = False) -> Tensor:
        """Return the logits of images on the CPU.

        Parameters
        ----------
        X : FaceDataset or array-like
            The images.
        tta : bool, default=False
            Whether they are the logarithms of the mean probabilities of an image and its mirror
            image.

        Returns
        -------
        torch.Tensor of shape (n_samples, n_classes)
            The logits.
        """
        batches = self._evaluation().logits(self.get_dataset(X), self.precision, tta=tta)
        return torch.cat([logits.cpu() for logits in batches])

    def features(self, dataset: FaceDataset, *, pooled: bool) -> NDArray[np.float32]:
        """Return the features that the backbone extracts from images.

        Parameters
        ----------
        dataset : FaceDataset
            The images.
        pooled : bool
            Whether to return the pooled features. If False, the input of the head is returned.

        Returns
        -------
        ndarray of shape (n_samples, ...)
            The features.
        """
        return self._evaluation().features(dataset, self.precision, pooled=pooled)

    def predict(self, X: Any) -> NDArray:
        """Return the label of each sample, as it is among ``classes_``."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _evaluation(self) -> Evaluation:
        if self.evaluation_.module is not self.module_:  # another module was set
            self.evaluation_ = Evaluation(self.module_, self.device)
        return self.evaluation_


def _softmax(logits: Tensor) -> Tensor:
    return logits.float().softmax(1)
