"""All arrays of a model as one safetensors entry."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_fer.persistence._archive import WEIGHTS
from sk_fer.persistence._errors import ModelFormatError, require

MAX_HEADER_BYTES = 1 << 20

Arrays = dict[str, NDArray[Any]]


def pack_arrays(arrays: Arrays) -> bytes:
    """Return arrays as safetensors bytes.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Numbers of any width.
    """
    from safetensors.numpy import save

    return save({name: np.asarray(array, order="C") for name, array in arrays.items()})


def unpack_arrays(content: bytes) -> Arrays:
    """Read safetensors bytes; no array can be larger than its bytes are.

    Parameters
    ----------
    content : bytes
        From a file.

    Raises
    ------
    ModelFormatError
        If they are no safetensors, or hold what is no finite number.
    """
    from safetensors.numpy import load

    header = int.from_bytes(content[:8], "little")
    require(
        len(content) >= 8 and header <= MAX_HEADER_BYTES,
        f"{WEIGHTS} has a header of {header} bytes; at most {MAX_HEADER_BYTES} are read",
    )
    try:
        arrays = load(content)
    except Exception as error:  # safetensors' own error, and others for types it does not know
        raise ModelFormatError(f"{WEIGHTS} is damaged or no safetensors: {error}") from error
    for name, array in arrays.items():
        require(
            array.dtype.kind in "iuf" and np.isfinite(array).all(),
            f"{WEIGHTS}: {name:.100} holds NaN, infinity or what is no number",
        )
    return arrays
