"""States that ``torch.load(weights_only=True)`` reads."""

from typing import Any

import numpy as np
from torch import Tensor

_SCALARS = (type(None), bool, int, float, str)


def plain_state(value: Any) -> Any:
    """Return a copy of a state that consists of tensors on the CPU and plain values.

    Parameters
    ----------
    value : object
        Tensors, numbers of Python or NumPy, text and None in dicts, lists and tuples of any depth.

    Returns
    -------
    object
        The copy. Numbers of NumPy become those of Python. Tensors keep their memory layout,
        because sums over a tensor can round differently in another layout.

    Raises
    ------
    TypeError
        If the state contains anything else.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer.training._plain_state import plain_state
    >>> plain_state({"lr": np.float64(0.1), 0: (np.int32(2), None)})
    {'lr': 0.1, 0: (2, None)}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {plain_state(key): plain_state(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(plain_state, value))
    if isinstance(value, list):
        return list(map(plain_state, value))
    raise TypeError(f"a checkpoint cannot contain a {type(value).__name__}")
