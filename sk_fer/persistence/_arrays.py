"""The arrays of a model as one entry in the safetensors format."""

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
        Arrays of numbers.
    """
    from safetensors.numpy import save

    return save({name: np.asarray(array, order="C") for name, array in arrays.items()})


def unpack_arrays(content: bytes) -> Arrays:
    """Read arrays from safetensors bytes. No array can be larger than `content`.

    Parameters
    ----------
    content : bytes
        The entry of the file.

    Raises
    ------
    ModelFormatError
        If the bytes are not safetensors, or an array contains values that are not finite numbers.
    """
    from safetensors.numpy import load

    header = int.from_bytes(content[:8], "little")
    require(
        len(content) >= 8 and header <= MAX_HEADER_BYTES,
        f"{WEIGHTS} has a header of {header} bytes; expected at most {MAX_HEADER_BYTES}",
    )
    try:
        arrays = load(content)
    except Exception as error:  # safetensors also raises other errors, for unknown types
        raise ModelFormatError(
            f"{WEIGHTS} is damaged or not a safetensors file: {error}"
        ) from error
    for name, array in arrays.items():
        require(
            array.dtype.kind in "iuf" and np.isfinite(array).all(),
            f"{WEIGHTS}: {name:.100} contains NaN, infinity or values that are not numbers",
        )
    return arrays
