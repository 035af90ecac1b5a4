"""One fit by several processes, each of which computes the gradients of a part of every batch.

The processes are those of ``torch.distributed``, if its process group is initialized, for example
in a script that ``torchrun`` starts. In any other process, these functions do nothing.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn

from sk_fer._utils._digest import digest
from sk_fer.training._dataset import FaceDataset

Value = TypeVar("Value")


def n_ranks() -> int:
    """Return the number of processes of the fit."""
    initialized = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if initialized else 1


def rank() -> int:
    """Return the number of this process, which is 0 for the first one.

    Returns
    -------
    int
        The number, less than the number of processes.
    """
    return distributed.get_rank() if n_ranks() > 1 else 0


def part_of_rank(rows: Any) -> Any:
    """Return the part of a batch that this process computes.

    Parameters
    ----------
    rows : ndarray or Tensor of shape (n_samples,)
        The rows of the batch.

    Returns
    -------
    ndarray or Tensor
        Its part. The sizes of the parts differ by one at most.

    Raises
    ------
    ValueError
        If the batch has fewer rows than there are processes.
    """
    n = n_ranks()
    if len(rows) < n:
        raise ValueError(
            f"a batch of {len(rows)} images cannot be shared by {n} processes; use a larger "
            "batch_size, more images, or fewer processes"
        )
    return rows[len(rows) * rank() // n : len(rows) * (rank() + 1) // n]


def add_up(tensor: Tensor) -> Tensor:
    """Add up a tensor over the processes, in place."""
    if n_ranks() > 1:
        distributed.all_reduce(tensor)
    return tensor


def average_gradients(parameters: Iterable[nn.Parameter], n_samples: int) -> None:
    """Set the gradients to those of the whole batch.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
        The parameters, whose gradients are those of the mean loss of this process.
    n_samples : int
        The number of samples in the part of this process.
    """
    if n_ranks() == 1:
        return
    # One sum over all gradients takes less time than one for each.
    gradients = [p.grad for p in parameters if p.grad is not None]
    weight = gradients[0].new_tensor([n_samples])
    total = add_up(torch.cat([*((g * weight).flatten() for g in gradients), weight]))
    means = total[:-1] / total[-1]
    for gradient, mean in zip(gradients, means.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


def average_statistics(module: nn.Module) -> None:
    """Set the running statistics of batch normalization to their means over the processes."""
    if n_ranks() == 1:
        return
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            for statistic in (layer.running_mean, layer.running_var):
                if statistic is not None:
                    add_up(statistic).div_(n_ranks())


def copy_from_first(module: nn.Module) -> None:
    """Set the weights of a module to those of the first process."""
    if n_ranks() > 1:
        for tensor in module.state_dict().values():
            distributed.broadcast(tensor, 0)


def value_of_first(value: Value) -> Value:
    """Return the value that the first process has.

    Parameters
    ----------
    value : object
        The value of this process.

    Returns
    -------
    object
        The value of the first process.
    """
    values = [value]
    if n_ranks() > 1:
        distributed.broadcast_object_list(values)
    return values[0]


def check_same_data(dataset: FaceDataset, classes: NDArray) -> None:
    """Raise an error if the processes have different shapes of images or different labels.

    Parameters
    ----------
    dataset : FaceDataset
        The training images of this process.
    classes : ndarray of shape (n_classes,)
        The classes.

    Raises
    ------
    ValueError
        If they are not those of the first process.
    """
    if n_ranks() == 1:
        return
    labels = digest(np.ascontiguousarray(dataset.y).data, repr(classes.tolist()))
    own = (dataset.X.shape, labels)
    found: list[Any] = [None] * n_ranks()
    distributed.all_gather_object(found, own)
    other = next((i for i, each in enumerate(found) if each != found[0]), None)
    if other is not None:
        raise ValueError(
            f"process 0 has images of shape {found[0][0]}, and process {other} has "
            f"{found[other][0]} or other labels; pass all images to fit in each process, which "
            "then takes its part of each batch"
        )
