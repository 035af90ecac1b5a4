"""Converts a fitted network to plain values and safetensors bytes, and back."""

import warnings

import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from sk_fer.modules import FaceModule


def warn_if_other_version(written_by: dict[str, str], estimator: str) -> None:
    """Warn if another minor version of sk_fer wrote a model.

    Parameters
    ----------
    written_by : dict
        The versions of the libraries that wrote the model, from :func:`library_versions`.
    estimator : str
        The name of the class of the estimator.
    """
    from sk_fer._version import __version__ as here

    there = written_by["sk_fer"]
    if there.split(".")[:2] != here.split(".")[:2]:
        warnings.warn(
            f"This {estimator} was written by sk_fer {there} and is loaded by {here}; "
            "its predictions may differ. Check them, or fit again.",
            UserWarning,
            stacklevel=3,
        )


def pack_weights(module: FaceModule) -> bytes:
    """Return the parameters and buffers of a module as safetensors bytes.

    Parameters
    ----------
    module : FaceModule
        The module, on any device.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If layers were changed, so that the weights do not match the network of the estimator.
    """
    module.check_unchanged()
    weights = {k: v.cpu().contiguous() for k, v in module.state_dict().items()}
    # The network may have been changed by .half() or .double().
    return save_safetensors(
        {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}
    )


def unpack_weights(module: torch.nn.Module, weights: bytes) -> None:
    """Load safetensors bytes into a module of the same structure.

    Parameters
    ----------
    module : torch.nn.Module
        The module, which is changed in place.
    weights : bytes
        The bytes from :func:`pack_weights`.

    Raises
    ------
    ValueError
        If the weights do not match the module.
    """
    try:
        module.load_state_dict(load_safetensors(weights))
    except Exception as error:
        raise ValueError(f"the saved weights do not match the network: {error}") from error
