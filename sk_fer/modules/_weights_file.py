"""Files of weights that other programs wrote, read without running anything in them."""

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
# Where training scripts keep the weights among other things; averaged ones predict better.
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
# What downloads leave in place of a file. Shorter beginnings could be a safetensors file's size.
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
        A ``.safetensors`` file, or what ``torch.save`` wrote: ``.pth``, ``.pt``, ``.bin``,
        ``.ckpt`` or ``.pth.tar``. A pickle is read without running the code that may be in it.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, in the file's own types and order; taken out of what a training script
        put around it, and the names without the prefixes of ``DataParallel`` and
        ``torch.compile``.

    Raises
    ------
    OSError
        If the file is missing, a folder, or may not be read.
    ValueError
        If it is damaged, contains no weights, or cannot be read without running code.

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
        raise IsADirectoryError(f"{path}: a folder; {expected}")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; {expected}")
    if not path.name.lower().endswith((".safetensors", *PICKLE_SUFFIXES)):
        raise ValueError(f"{path}: unknown suffix {path.suffix!r}; {expected}")
    with open(path, "rb") as file:
        size, begin = os.fstat(file.fileno()).st_size, file.read(64).lstrip().lower()
    for known, what in _NO_WEIGHTS.items():
        if begin.startswith(known):
            raise ValueError(f"{path}: {what}, and no weights; {expected}")
    if not size:
        raise ValueError(f"{path}: an empty file; {expected}")
    try:
        is_safe = path.suffix.lower() == ".safetensors"
        content = load_file(path) if is_safe else _unpickle(path, size)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"asks for {asked[1]:.100}" if asked else "does more than build tensors"
        raise ValueError(
            f"{path}: refused, because the pickle in it {reason}, and loading that could run "
            f"code; {_EXPECTED}"
        ) from error
    except Exception as error:  # the readers raise nearly anything
        reason = re.split(r"\. |\n", f"{error!s:.200}")[0] or type(error).__name__
        raise ValueError(
            f"{path}: damaged, or no file of weights ({size} bytes; {reason}); {expected}"
        ) from error
    return _plain_tensors(_unwrapped(content), path)


def _unpickle(path: Path, size: int) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > size:
            # torch.save does not compress. A small compressed file could fill the memory.
            raise ValueError("its parts are larger than the file")
        if any(entry.filename.endswith("/constants.pkl") for entry in entries):
            raise ValueError("a TorchScript program")
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
        raise ValueError(f"{path}: contains {what}; {_EXPECTED}")
    state = {}
    for name, tensor in content.items():
        fault = _fault(name, tensor)
        if fault:
            raise ValueError(f"{path}: contains {fault}; {_EXPECTED}")
        name = name.replace("_orig_mod.", "")
        while name.startswith("module."):
            name = name.removeprefix("module.")
        state[name] = tensor.detach()
    return state


def _fault(name: Any, tensor: Any) -> str | None:
    """Return what is wrong with an entry of a file, or None."""
    if not isinstance(name, str):
        return f"an entry named by a {type(name).__name__}"
    if not isinstance(tensor, Tensor):
        return f"{name!r:.100}, a {type(tensor).__name__}"
    if (
        tensor.layout != torch.strided
        or tensor.device.type != "cpu"
        or tensor.is_quantized
        or tensor.is_complex()
    ):
        return f"{name!r:.100}, a tensor of the unusual kind {tensor.dtype}, {tensor.layout}"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return f"{name!r:.100} of shape {tuple(tensor.shape)}, more values than the file has"
    if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
        return f"{name!r:.100} with values that are not finite"
    return None
