"""Predictions and features, in batches as large as memory allows."""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sk_fer.modules import FaceModule, largest_activation
from sk_fer.training._batches import Batch, BatchIterator
from sk_fer.training._dataset import FaceDataset
from sk_fer.training._forward import forward, in_precision, layers_for
from sk_fer.training._fused_form import FusedForm
from sk_fer.training._memory import reuse_memory
from sk_fer.training._out_of_memory import BatchSplitter

# On a CPU an activation that outgrows the caches costs more than a larger batch saves.
CPU_ACTIVATION = 64 * 2**20
LARGEST_BATCH = 1024


class Evaluation:
    """The evaluation of a module on whole data sets, without gradients.

    Parameters
    ----------
    module : FaceModule
        The module.
    device : str or torch.device
        The device of the module.
    """

    def __init__(self, module: FaceModule, device: str | torch.device) -> None:
        self.module = module
        self.device = torch.device(device)
        self.fused = FusedForm(module)
        self.splitter = BatchSplitter("Predictions do not change.")
        self._largest_activations: dict[str, int] = {}

    def logits(
        self, dataset: FaceDataset, precision: torch.dtype, *, tta: bool = False
    ) -> Iterator[Tensor]:
        """Yield the logits of large batches.

        Parameters
        ----------
        dataset : FaceDataset
            The samples.
        precision : torch.dtype
            The type in which matrix products are computed.
        tta : bool, default=False
            Whether the logits are the logarithms of the mean probabilities of an image and its
            mirror image.

        Yields
        ------
        Tensor of shape (n_batch, n_classes)
            The logits of a batch, on the device.
        """
        module = self.fused.module_for(len(dataset))
        predict = partial(_logits_of_mirrored if tta else _logits, module, precision)
        for batch in self._large_batches(dataset):
            yield self._in_parts(predict, batch)

    def features(
        self, dataset: FaceDataset, precision: torch.dtype, *, pooled: bool
    ) -> NDArray[np.float32]:
        """Return the features that the backbone extracts from images.

        Parameters
        ----------
        dataset : FaceDataset
            The images.
        precision : torch.dtype
            The type in which matrix products are computed.
        pooled : bool
            Whether to return the pooled features. If False, the input of the head is returned.

        Returns
        -------
        ndarray of shape (n_samples, ...)
            The features.
        """
        # Not the fused form: a head would learn from its rounding, and predict without it.
        module = self.module.eval()
        network: Any = module.network

        def layers(x: Tensor) -> Tensor:
            if pooled:
                return network.pooled(network.backbone.forward_features(x))
            return network.features(x)

        def extract(inputs: dict[str, Tensor]) -> Tensor:
            return in_precision(layers, module.prepare(inputs["images"]), precision).float()

        return np.concatenate(
            [self._in_parts(extract, batch).cpu().numpy() for batch in self._large_batches(dataset)]
        )

    def batch_size(self, dataset: FaceDataset) -> int:
        """Return how many samples to evaluate at once, at most 1,024."""
        if dataset.kind not in self._largest_activations:
            sample = np.zeros((1, *dataset.X.shape[1:]), dataset.X.dtype)
            self._largest_activations[dataset.kind] = largest_activation(
                layers_for(self.module, dataset.kind), torch.from_numpy(sample).to(self.device)
            )
        room = CPU_ACTIVATION
        if self.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self.device)
            room = free // 8
        return max(1, min(room // self._largest_activations[dataset.kind], LARGEST_BATCH))

    def _large_batches(self, dataset: FaceDataset) -> Iterator[Batch]:
        batch_size = self.batch_size(dataset)
        with reuse_memory() if len(dataset) > batch_size else nullcontext():
            yield from BatchIterator(dataset, batch_size, self.device)

    @torch.inference_mode()
    def _in_parts(self, function: Callable[[dict[str, Tensor]], Tensor], batch: Batch) -> Tensor:
        """Apply a function without gradients, to parts of a batch where memory is short."""
        return self.splitter.run(
            lambda parts: torch.cat([function(inputs) for (inputs, _), _ in parts]), batch
        )


def _logits(module: FaceModule, precision: torch.dtype, inputs: dict[str, Tensor]) -> Tensor:
    return forward(module, inputs, precision).float()


def _logits_of_mirrored(
    module: FaceModule, precision: torch.dtype, inputs: dict[str, Tensor]
) -> Tensor:
    """Return the logarithms of the mean probabilities of images and their mirror images."""
    as_given = _logits(module, precision, inputs).log_softmax(1)
    flipped = {"images": inputs["images"].flip(2)}
    return torch.logaddexp(as_given, _logits(module, precision, flipped).log_softmax(1)) - math.log(
        2
    )
