"""Batches on the device: taken from resident data, or copied ahead of time."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sk_fer.training._dataset import FaceDataset

Batch = tuple[dict[str, Any], Any]


class BatchIterator:
    """Batches of a :class:`FaceDataset` as tensors on the device.

    On a GPU, the whole data set is copied once if it fits into half of the free memory, and a
    batch is an index into it. Otherwise, and for memory maps, a thread gathers the next batch
    while the device processes the current one, and copies it to the GPU from pinned memory on a
    separate stream. The sizes of batches differ by one at most, so that no batch is too small for
    batch normalization.

    Parameters
    ----------
    dataset : FaceDataset
        The data set.
    batch_size : int
        The largest number of images in a batch.
    device : str or torch.device, default="cpu"
        The device of the batches.
    order : callable, default=numpy.arange
        A function that takes the number of samples and returns the rows in the order of a pass.
    part : callable, default=None
        A function that takes the rows of a batch and returns those to use. If None, all are used.
    """

    def __init__(
        self,
        dataset: FaceDataset,
        batch_size: int,
        device: str | torch.device = "cpu",
        order: Callable[[int], NDArray[np.intp]] = np.arange,
        part: Callable[[Any], Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.device = torch.device(device)
        self.order = order
        self.part = part or (lambda rows: rows)
        self._resident: Batch | None = None
        # A map may be larger than the memory of the host, which it would pass through whole.
        if self.device.type == "cuda" and not dataset.mapped and _fits(dataset, self.device):
            self._resident = _on_device(_gather(dataset, np.arange(len(dataset))), self.device)

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = self.order(len(self.dataset))
        if self._resident is not None:
            everything = self._resident
            on_device = torch.from_numpy(order).to(self.device)
            split = on_device.tensor_split(len(self))
            return (_taken(everything, self.part(rows)) for rows in split)
        indices = [self.part(rows) for rows in np.array_split(order, len(self))]
        if self.device.type == "cuda":
            return _copied_ahead(self.dataset, indices, self.device)
        if self.dataset.mapped:
            batches = _ahead(partial(_gather, self.dataset, index) for index in indices)
        else:
            batches = (_gather(self.dataset, index) for index in indices)
        return (_on_device(batch, self.device) for batch in batches)


def _gather(dataset: FaceDataset, index: NDArray[np.intp]) -> Batch:
    """Return a batch as tensors on the host."""
    # NumPy's gather is as fast as torch's and works on memory maps and read-only arrays.
    inputs = {
        dataset.kind: torch.from_numpy(dataset.images(index)),
        "sample_weight": _rows(dataset.sample_weight, index),
        "loss_weight": _rows(dataset.loss_weight, index),
    }
    return inputs, _rows(dataset.y, index)


def batch_length(batch: Batch) -> int:
    """Return how many samples a batch has."""
    return len(next(iter(batch[0].values())))


def _rows(array: NDArray | None, index: NDArray[np.intp]) -> Tensor | None:
    return None if array is None else torch.from_numpy(array[index])


def _mapped_over(batch: Batch, function: Callable[[Tensor], Tensor]) -> Batch:
    inputs, target = batch
    changed = {k: None if v is None else function(v) for k, v in inputs.items()}
    return changed, None if target is None else function(target)


def _on_device(batch: Batch, device: torch.device) -> Batch:
    return _mapped_over(batch, lambda tensor: tensor.to(device))


def _taken(batch: Batch, rows: Tensor) -> Batch:
    return _mapped_over(batch, lambda tensor: tensor[rows])


def _ahead(makers: Iterator[Callable[[], Any]]) -> Iterator[Any]:
    """Yield the result of each maker. A thread computes the next result at the same time."""
    with ThreadPoolExecutor(1, thread_name_prefix="sk_fer_batches") as thread:
        waiting = None
        for maker in makers:
            next_one = thread.submit(maker)
            if waiting is not None:
                yield waiting.result()
            waiting = next_one
        if waiting is not None:
            yield waiting.result()


def _copied_ahead(
    dataset: FaceDataset, indices: list[NDArray[np.intp]], device: torch.device
) -> Iterator[Batch]:
    """Yield batches that were copied to a GPU while it computed on the one before."""
    copying = torch.cuda.Stream(device)

    def to_device(tensor: Tensor) -> Tensor:
        return tensor.pin_memory().to(device, non_blocking=True)

    def copy(index: NDArray[np.intp]) -> tuple[Batch, torch.cuda.Event]:
        with torch.cuda.stream(copying):
            return _mapped_over(_gather(dataset, index), to_device), copying.record_event()

    for batch, copied in _ahead(partial(copy, index) for index in indices):
        torch.cuda.current_stream(device).wait_event(copied)
        yield _mapped_over(batch, _in_use)


def _in_use(tensor: Tensor) -> Tensor:
    # The allocator must not hand the memory out again before the computing is done.
    tensor.record_stream(torch.cuda.current_stream(tensor.device))
    return tensor


def _fits(dataset: FaceDataset, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return dataset.X[:1].nbytes * len(dataset) <= free // 2
