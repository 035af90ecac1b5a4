"""Reads weights from files of other programs, without running code in them."""

import argparse
import os
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

PICKLE_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".pth.tar")
# Keys under which training scripts save weights. Averaged weights come first: they predict better.
_WRAPPERS = (
    "state_dict_ema",
    "model_ema",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
)
# Beginnings of files that a failed download leaves. Shorter ones could begin a safetensors file.
_NO_WEIGHTS = {
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"version https://git-lfs": "a pointer of Git LFS",
}
_EXPECTED = "expected a dict of names to tensors, as torch.save(model.state_dict(), path) writes it"


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read the weights of a network from a file.

    Parameters
    ----------
    path : str or path-like
        A ``.safetensors`` file, or a file of ``torch.save``: ``.pth``, ``.pt``, ``.bin``, ``.ckpt``
        or ``.pth.tar``. Code in a pickle is not run.

    Returns
    -------
    dict of str to torch.Tensor
        The weights on the CPU, in the types and the order of the file. They are taken from the
        checkpoint of a training script, and prefixes of ``DataParallel`` and ``torch.compile`` are
        removed from the names.

    Raises
    ------
    OSError
        If the file does not exist, is a folder, or cannot be read.
    ValueError
        If the file is damaged, contains no weights, or cannot be read without running code.

    Examples
    --------
    >>> import tempfile, torch
    >>> from sk_fer.modules._weights_file import read_state_dict
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save({"epoch": 3, "model": {"module.bias": torch.ones(2)}}, f"{folder}/a.pth")
    ...     read_state_dict(f"{folder}/a.pth")
    {'bias': tensor([1., 1.])}
    """
    path = Path(path)
    expected = f"expected a file of weights, .safetensors, {', '.join(PICKLE_SUFFIXES)} or .skfer"
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; {expected}")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; {expected}")
    if not path.name.lower().endswith((".safetensors", *PICKLE_SUFFIXES)):
        raise ValueError(f"{path} has the unknown suffix {path.suffix!r}; {expected}")
    with open(path, "rb") as file:
        size, begin = os.fstat(file.fileno()).st_size, file.read(64).lstrip().lower()
    for known, what in _NO_WEIGHTS.items():
        if begin.startswith(known):
            raise ValueError(f"{path} is {what} instead of weights; {expected}")
    if not size:
        raise ValueError(f"{path} is empty; {expected}")
    try:
        is_safe = path.suffix.lower() == ".safetensors"
        content = load_file(path) if is_safe else _unpickle(path, size)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"uses {asked[1]:.100}" if asked else "does more than create tensors"
        raise ValueError(
            f"{path} was not loaded: its pickle {reason}, which could run code; {_EXPECTED}"
        ) from error
    except Exception as error:  # the readers raise errors of many classes
        reason = re.split(r"\. |\n", f"{error!s:.200}")[0] or type(error).__name__
        raise ValueError(
            f"{path} is damaged or not a file of weights ({size} bytes: {reason}); {expected}"
        ) from error
    return _plain_tensors(_unwrapped(content), path)


def _unpickle(path: Path, size: int) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > size:
            # torch.save does not compress. A small compressed file could fill the memory.
            raise ValueError("it is a compressed archive")
        if any(entry.filename.endswith("/constants.pkl") for entry in entries):
            raise ValueError("it is a TorchScript program")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Checkpoints of timm and torchvision contain their command line, which has plain values.
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, weights_only=True, map_location="cpu")


def _unwrapped(content: Any) -> Any:
    for _ in range(3):  # a malicious dict may contain itself
        if isinstance(content, Mapping):
            inner = (content[k] for k in _WRAPPERS if isinstance(content.get(k), Mapping))
            content = next(inner, content)
    return content


def _plain_tensors(content: Any, path: Path) -> dict[str, Tensor]:
    if not isinstance(content, Mapping) or not content:
        what = "an empty dict" if isinstance(content, Mapping) else f"a {type(content).__name__}"
        raise ValueError(f"{path} contains {what}; {_EXPECTED}")
    state = {}
    for name, tensor in content.items():
        fault = _fault(name, tensor)
        if fault:
            raise ValueError(f"{path} contains {fault}; {_EXPECTED}")
        name = name.replace("_orig_mod.", "")
        while name.startswith("module."):
            name = name.removeprefix("module.")
        state[name] = tensor.detach()
    return state


def _fault(name: Any, tensor: Any) -> str | None:
    """Return a description of an entry that is not a valid weight, or None."""
    if not isinstance(name, str):
        return f"an entry whose name is of type {type(name).__name__}"
    if not isinstance(tensor, Tensor):
        return f"{name!r:.100}, a {type(tensor).__name__}"
    if (
        tensor.layout != torch.strided
        or tensor.device.type != "cpu"
        or tensor.is_quantized
        or tensor.is_complex()
    ):
        return f"{name!r:.100}, a tensor of the unsupported type {tensor.dtype}, {tensor.layout}"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return f"{name!r:.100} of shape {tuple(tensor.shape)}, which has more values than the file"
    if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
        return f"{name!r:.100} with values that are not finite"
    return None
