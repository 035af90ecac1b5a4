"""Images with their targets and weights, in memory or in a memory map."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from sk_fer._utils._mapped import MappedPages


@dataclass(eq=False, repr=False)
class FaceDataset(Dataset):
    """Images with their targets and weights.

    Parameters
    ----------
    X : ndarray of shape (n_images, height, width, channels)
        The images, uint8 or float32: an array, a view or a memory map. It is never copied as a
        whole.
    y : ndarray of shape (n_samples,) or (n_samples, n_classes), default=None
        The positions of the classes (int64) or soft targets (float32).
    sample_weight : ndarray of shape (n_samples,), default=None
        The number of samples that each sample counts as, float32.
    loss_weight : ndarray of shape (n_samples,), default=None
        The weight of each sample in the loss, float32, with a mean of one.
    rows : ndarray of shape (n_samples,), default=None
        The rows of `X` that are the samples. If None, all rows are.

    kind : {"images", "features"}, default="images"
        The content of `X`. "features" are those that a frozen backbone extracted from images, of
        shape (n_images, ...) and float32. Only the head of the network is applied to them.
    """

    X: NDArray
    y: NDArray | None = None
    sample_weight: NDArray | None = None
    loss_weight: NDArray | None = None
    rows: NDArray[np.intp] | None = None
    kind: str = "images"

    def __len__(self) -> int:
        return len(self.X) if self.rows is None else len(self.rows)

    def __getitem__(self, index: Any) -> tuple[NDArray, Any]:
        # Helpers of skorch index data sets. For skorch, 0 means that there is no target.
        return self.images(index), 0 if self.y is None else self.y[index]

    @property
    def targets(self) -> NDArray:
        """The targets. Training data always has them."""
        assert self.y is not None
        return self.y

    @cached_property
    def _pages(self) -> MappedPages | None:
        return MappedPages.of(self.X)

    @property
    def mapped(self) -> bool:
        """Return whether the images are in a file that is mapped into memory."""
        return self._pages is not None

    def images(self, index: Any) -> NDArray:
        """Return a copy of the images of some samples.

        Parameters
        ----------
        index : int, slice or ndarray
            The samples.

        Returns
        -------
        ndarray
            The images.
        """
        images = np.asarray(self.X[index if self.rows is None else self.rows[index]])
        if self._pages is not None:
            self._pages.read(len(images), images.nbytes)
        return images

    def subset(self, rows: NDArray[np.intp]) -> Self:
        """Return some of the samples, without copying their images.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,)
            The samples.

        Returns
        -------
        FaceDataset
            The data set of these samples.
        """
        return replace(
            self,
            y=None if self.y is None else self.y[rows],
            sample_weight=None if self.sample_weight is None else self.sample_weight[rows],
            loss_weight=None if self.loss_weight is None else self.loss_weight[rows],
            rows=rows if self.rows is None else self.rows[rows],
        )

    def with_features(self, features: NDArray[np.float32]) -> Self:
        """Return the same samples with features instead of images.

        Parameters
        ----------
        features : ndarray of shape (n_samples, ...), dtype float32
            The features of the samples.

        Returns
        -------
        FaceDataset
            The data set of features.
        """
        return replace(self, X=features, rows=None, kind="features")

    def weighted(self, class_weight: NDArray | None) -> Self:
        """Return the same samples with the loss weights of their classes.

        Parameters
        ----------
        class_weight : ndarray of shape (n_classes,) or None
            The weight of each class. The weight of a soft target is the mean of the weights of
            its classes.

        Returns
        -------
        FaceDataset
            The data set with these weights.

        Raises
        ------
        ValueError
            If no sample has a weight above zero.
        """
        weight = np.ones(len(self)) if self.sample_weight is None else self.sample_weight
        if class_weight is not None:
            targets = self.targets
            by_class = targets @ class_weight if targets.ndim == 2 else class_weight[targets]
            weight = weight * by_class
        elif self.sample_weight is None:
            return self
        if not weight.any():
            raise ValueError("with class_weight and sample_weight, all images have the weight 0")
        # The weights are scaled over all samples, so that small batches keep their weights.
        loss_weight = (weight / weight.mean()).astype(np.float32)
        return replace(self, loss_weight=loss_weight)

    def channel_statistics(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the weighted mean and standard deviation of each channel.

        Returns
        -------
        mean : ndarray of shape (channels,)
            The mean of each channel.
        std : ndarray of shape (channels,)
            The standard deviation of each channel, or one for a constant channel.
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
