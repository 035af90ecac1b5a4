"""Splitting of batches if the device has too little memory for a whole one."""

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import torch

from sk_fer.training._batches import Batch, batch_length

SMALLEST_PART = 8

Part = tuple[Batch, float]
Result = TypeVar("Result")


class BatchSplitter:
    """Run a step on a batch, in as few parts as the memory of the device allows.

    Parameters
    ----------
    consequence : str
        The effect of the parts on the result, for the warning.
    """

    def __init__(self, consequence: str) -> None:
        self.consequence = consequence
        self.n_parts = 1

    def run(
        self, step: Callable[[list[Part]], Result], batch: Batch, *, may_split: bool = True
    ) -> Result:
        """Run `step` on the parts of a batch.

        Parameters
        ----------
        step : callable
            A function of the parts, each with its share of the batch. It is called again with
            more and smaller parts if the memory is not sufficient.
        batch : tuple of (inputs, target)
            The batch.
        may_split : bool, default=True
            Whether the batch may be split into more parts.

        Returns
        -------
        object
            The return value of `step`.

        Raises
        ------
        torch.OutOfMemoryError
            If parts would have to be smaller than ``SMALLEST_PART`` images, or if `may_split` is
            False.
        """
        before = self.n_parts
        while True:
            try:
                result = step(_parts(batch, self.n_parts))
                break
            except torch.OutOfMemoryError as error:
                if not may_split:
                    raise
                size = math.ceil(batch_length(batch) / self.n_parts)
                if size < 2 * SMALLEST_PART:
                    raise torch.OutOfMemoryError(
                        f"the device has no memory for {size} images at a time: {error}"
                    ) from error
            # Outside the handler, the tensors that the traceback referred to are free.
            self.n_parts *= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        if self.n_parts > before:
            self._warn(batch_length(batch), before)
        return result

    def _warn(self, n_images: int, before: int) -> None:
        sizes = [math.ceil(n_images / n_parts) for n_parts in (before, self.n_parts)]
        warnings.warn(
            f"the device has no memory for {sizes[0]} images at a time, and continues with "
            f"{sizes[1]}. {self.consequence}",
            stacklevel=4,
        )


def _parts(batch: Batch, n_parts: int) -> list[Part]:
    """Split a batch into parts whose sizes differ by at most one, with the share of each."""
    inputs, target = batch
    length = batch_length(batch)
    n_parts = min(n_parts, length)
    if n_parts == 1:
        return [(batch, 1.0)]
    parts: list[Part] = []
    for start, stop in pairwise(length * i // n_parts for i in range(n_parts + 1)):
        part = {k: None if v is None else v[start:stop] for k, v in inputs.items()}
        part_target = None if target is None else target[start:stop]
        parts.append(((part, part_target), (stop - start) / length))
    return parts
