"""Fits of several processes on one GPU: side by side, and in turn if the memory is too small."""

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, TypeVar

import torch

from sk_fer.training._device import resolve_device

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Result = TypeVar("Result")

_side_by_side: ContextVar[bool] = ContextVar("side_by_side", default=False)


def fit_in_turn(
    device: str | torch.device,
    fit: Callable[[], Result],
    ran_out: Callable[[Result], bool],
) -> Result:
    """Run a fit beside those of other processes, and alone if the GPU has too little memory.

    Beside others, a batch that does not fit into the memory is not split, because the result of a
    fit must not depend on what else runs. The fit is started again as soon as no other process
    fits on this GPU, and no other one starts before it has ended.

    Parameters
    ----------
    device : str or torch.device
        The device of the fit, as its parameter. On others than GPUs, `fit` is called once.
    fit : callable
        The whole fit. It is called a second time if there was too little memory.
    ran_out : callable
        A function of the result of `fit` that returns whether memory was missing. If `fit` raises
        ``torch.OutOfMemoryError``, this is not asked.

    Returns
    -------
    object
        The return value of `fit`.
    """
    name = _name(device)
    if name is None:
        return fit()
    with _locked(name, alone=False):
        token = _side_by_side.set(True)
        try:
            result = fit()
            if not ran_out(result):
                return result
            del result
        except torch.OutOfMemoryError:
            pass
        finally:
            _side_by_side.reset(token)
            release_memory()
    with _locked(name, alone=True):
        try:
            return fit()
        finally:
            release_memory()


def fits_side_by_side() -> bool:
    """Return whether this fit shares the memory of its GPU with others, and must not use less."""
    return _side_by_side.get()


def release_memory() -> None:
    """Return the memory that torch keeps on GPUs, so that other processes can use it."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _name(device: str | torch.device) -> str | None:
    """Return a name of a GPU that all processes have in common, or None for another device."""
    resolved = resolve_device(device)
    if resolved.type != "cuda":
        return None
    return str(torch.cuda.get_device_properties(resolved).uuid)


@contextmanager
def _locked(name: str, *, alone: bool) -> Iterator[None]:
    """Lock a device for this process, or share it with others, inside a ``with`` block.

    All pass a gate, where a process that must be alone stays, so that no other one starts.
    """
    if fcntl is None:
        yield
        return
    with _open(f"{name}-gate") as gate, _open(name) as device:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(device, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield


def _open(name: str) -> IO[bytes]:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir(), f"sk_fer-{user}-{name}.lock").open("ab")
