"""Images and targets in memory, and batches that are an index into them."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

Batch = tuple[dict[str, Any], Any]


class FaceDataset(Dataset):
    """Images with their targets and weights.

    Parameters
    ----------
    X : ndarray of shape (n_images, height, width, channels)
        uint8 or float32; an array, a view or a memory map. Never copied whole.
    y : ndarray of shape (n_samples,) or (n_samples, n_classes), optional
        Class positions (int64) or soft targets (float32).
    sample_weight : ndarray of shape (n_samples,), optional
        How many samples each counts as, float32.
    loss_weight : ndarray of shape (n_samples,), optional
        Weight of each in the loss, one on average, float32.
    rows : ndarray of shape (n_samples,), optional
        The rows of `X` that the samples are. None: all of them.
    """

    def __init__(
        self,
        X: NDArray,
        y: NDArray | None = None,
        sample_weight: NDArray | None = None,
        loss_weight: NDArray | None = None,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        self.X = X
        self.y = y
        self.sample_weight = sample_weight
        self.loss_weight = loss_weight
        self.rows = rows

    def __len__(self) -> int:
        return len(self.X) if self.rows is None else len(self.rows)

    def __getitem__(self, index: Any) -> tuple[NDArray, Any]:
        # skorch's own helpers index data sets; 0 is its word for "no target".
        return self.images(index), 0 if self.y is None else self.y[index]

    @property
    def targets(self) -> NDArray:
        """The targets of training data, which has them."""
        assert self.y is not None
        return self.y

    def images(self, index: Any) -> NDArray:
        """Return a copy of the images of some samples."""
        return np.asarray(self.X[index if self.rows is None else self.rows[index]])

    def subset(self, rows: NDArray[np.intp]) -> "FaceDataset":
        """Return some of the samples, without a copy of their images."""
        return FaceDataset(
            self.X,
            None if self.y is None else self.y[rows],
            None if self.sample_weight is None else self.sample_weight[rows],
            None if self.loss_weight is None else self.loss_weight[rows],
            rows if self.rows is None else self.rows[rows],
        )

    def weighted(self, class_weight: NDArray | None) -> "FaceDataset":
        """Return the same samples with the loss weights of their classes.

        Parameters
        ----------
        class_weight : ndarray of shape (n_classes,) or None
            A soft target weighs the mean of its classes' weights.

        Raises
        ------
        ValueError
            If nothing has a weight above zero.
        """
        weight = np.ones(len(self)) if self.sample_weight is None else self.sample_weight
        if class_weight is not None:
            targets = self.targets
            by_class = targets @ class_weight if targets.ndim == 2 else class_weight[targets]
            weight = weight * by_class
        elif self.sample_weight is None:
            return self
        if not weight.any():
            raise ValueError("class_weight and sample_weight leave no image a weight above 0")
        # Scaled over all samples, not a batch at a time, so that small batches keep the weights.
        loss_weight = (weight / weight.mean()).astype(np.float32)
        return FaceDataset(self.X, self.y, self.sample_weight, loss_weight, self.rows)

    def channel_statistics(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the weighted mean and standard deviation of each channel.

        Returns
        -------
        mean, std : ndarray of shape (channels,)
            A constant channel has a standard deviation of one.
        """
        totals = np.zeros((3, self.X.shape[3]))
        for index in np.array_split(np.arange(len(self)), math.ceil(len(self) / 4096)):
            pixels = self.images(index).astype(np.float64)
            weight = (
                np.ones(len(index)) if self.sample_weight is None else self.sample_weight[index]
            )
            size = pixels.shape[1] * pixels.shape[2]
            totals[0] += weight.sum() * size
            totals[1] += np.einsum("n,nhwc->c", weight, pixels)
            totals[2] += np.einsum("n,nhwc->c", weight, pixels**2)
        count, total, squares = totals
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        std[std <= 1e-6 * np.abs(mean)] = 1.0
        return mean.astype(np.float32), std.astype(np.float32)


class BatchIterator:
    """Batches of a :class:`FaceDataset` as tensors on the device.

    On a GPU the images are moved there once when half of its free memory holds them;
    otherwise each batch is gathered on the host and copied. Batches differ in size by
    one at most, so that none is a leftover too small for batch normalization.

    Parameters
    ----------
    dataset : FaceDataset
        What to iterate over.
    batch_size : int
        Largest number of images in a batch.
    device : str or torch.device
        Where the batches are wanted.
    order : callable, default=numpy.arange
        From the number of samples to the order of a pass.
    """

    def __init__(
        self,
        dataset: FaceDataset,
        batch_size: int,
        device: str | torch.device = "cpu",
        order: Callable[[int], NDArray[np.intp]] = np.arange,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.device = torch.device(device)
        self.order = order
        self._resident: Tensor | None = None
        if self.device.type == "cuda" and _fits(dataset, self.device):
            everything = dataset.images(np.arange(len(dataset)))
            self._resident = torch.from_numpy(everything).to(self.device)

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        dataset = self.dataset
        for index in np.array_split(self.order(len(dataset)), len(self)):
            inputs = {
                "images": self._images(index),
                "sample_weight": self._move(dataset.sample_weight, index),
                "loss_weight": self._move(dataset.loss_weight, index),
            }
            yield inputs, self._move(dataset.y, index)

    def _images(self, index: NDArray[np.intp]) -> Tensor:
        if self._resident is not None:
            return self._resident[torch.from_numpy(index).to(self.device)]
        # NumPy's gather is as fast as torch's and works on memory maps and read-only arrays.
        return self._to_device(self.dataset.images(index))

    def _move(self, array: NDArray | None, index: NDArray[np.intp]) -> Tensor | None:
        return None if array is None else self._to_device(array[index])

    def _to_device(self, array: NDArray) -> Tensor:
        tensor = torch.from_numpy(array)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)


def _fits(dataset: FaceDataset, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return dataset.X[:1].nbytes * len(dataset) <= free // 2
