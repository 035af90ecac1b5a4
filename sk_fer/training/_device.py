"""The device and the number type of a fit."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

_IMPORTED_BY = os.getpid()


def resolve_device(device: str | torch.device) -> torch.device:
    """Resolve the `device` parameter to an existing device.

    Parameters
    ----------
    device : str or torch.device
        "auto" (CUDA, then MPS, then the CPU) or anything ``torch.device`` takes.

    Returns
    -------
    torch.device
        The device.

    Raises
    ------
    ValueError
        If the device is unknown to torch or does not exist on this machine.
    RuntimeError
        As :func:`settle_after_fork`.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    device = str(device)
    settle_after_fork(device)
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        expected = "'auto', 'cpu', 'cuda', 'cuda:<n>' or 'mps'"
        raise ValueError(f"device={device!r} is not known to torch; expected {expected}") from error
    if resolved.type == "cuda":
        n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (resolved.index or 0) >= n_devices:
            raise ValueError(
                f"device={device!r}: torch {torch.__version__} finds {n_devices} CUDA devices "
                "here; use device='auto' or 'cpu'"
            )
        return resolved
    try:
        torch.zeros(1, device=resolved).item()
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"device={device!r} cannot be used here; use device='auto' or 'cpu'"
        ) from error
    return resolved


def settle_after_fork(device: str | torch.device) -> None:
    """Prepare a fork of a process that has used torch, or raise an error.

    The threads of OpenMP do not exist after a fork, and computations that use them never end.
    Therefore a fork computes with one thread, as the workers of ``torch.utils.data.DataLoader`` do.

    Parameters
    ----------
    device : str or torch.device
        As in :func:`resolve_device`.

    Raises
    ------
    RuntimeError
        If CUDA is asked for and was used before the fork.
    """
    device = str(device)
    # torch marks a fork as bad if the first process has looked for a GPU, even without one.
    if (
        device.startswith(("auto", "cuda"))
        and torch.cuda._is_in_bad_fork()
        and (torch.cuda._initialized or torch.cuda.device_count())
    ):
        raise RuntimeError(
            f"device={device!r}: CUDA was used before this process was forked, and does not work "
            "in a fork; start processes by 'spawn' or joblib's 'loky', or use device='cpu'"
        )
    _use_one_thread_in_fork(os.getpid())


@cache
def _use_one_thread_in_fork(pid: int) -> None:
    if pid != _IMPORTED_BY:
        torch.set_num_threads(1)


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Resolve the `precision` parameter to the type of matrix products.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16", "float16"}
        "auto" takes bfloat16 where the hardware computes in it, float16 on older CUDA
        devices, float32 otherwise.
    device : torch.device
        Where the network runs.

    Returns
    -------
    torch.dtype
        The type.

    Raises
    ------
    ValueError
        If float16 is asked for anywhere but on CUDA.

    Examples
    --------
    >>> resolve_precision("float32", torch.device("cpu"))
    torch.float32
    """
    if precision == "auto":
        if device.type == "cuda":
            with torch.cuda.device(device):
                # Emulated bfloat16, as on a T4 or V100, is slower than float32.
                native = torch.cuda.is_bf16_supported(including_emulation=False)
            return torch.bfloat16 if native else torch.float16
        if device.type == "cpu" and _cpu_computes_bfloat16():
            return torch.bfloat16
        return torch.float32
    if precision == "float16" and device.type != "cuda":
        raise ValueError(
            f"precision='float16' needs a CUDA device, and the device is {str(device)!r}; "
            "use 'auto', 'bfloat16' or 'float32'"
        )
    return getattr(torch, precision)


@cache
def _cpu_computes_bfloat16() -> bool:
    """Return whether this processor has AMX or AVX-512 instructions for bfloat16 (Linux)."""
    forced = os.environ.get("SK_FER_TEST_PRECISION")  # the tests run both on any processor
    if forced:
        return forced == "bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return False
    flags = cpuinfo.read_text(errors="replace").split()
    return "amx_bf16" in flags or "avx512_bf16" in flags


@contextmanager
def fastest_convolutions() -> Iterator[None]:
    """Let cuDNN select the fastest algorithm for each shape, unless results must be repeatable."""
    cudnn = torch.backends.cudnn
    # It is not used in threads, because the first fit to end would reset it for the others.
    if (
        cudnn.benchmark
        or torch.are_deterministic_algorithms_enabled()
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    cudnn.benchmark = True
    try:
        yield
    finally:
        cudnn.benchmark = False
