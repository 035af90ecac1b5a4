"""The class of a network by its name."""

from typing import Any

from sk_fer._utils._choices import find_piece
from sk_fer._utils._networks import NETWORKS


def network_class(name: str) -> Any:
    """Return the class of a network.

    Parameters
    ----------
    name : str
        The name in :data:`sk_fer.estimators.NETWORKS`.

    Returns
    -------
    type
        A subclass of ``torch.nn.Module``.

    Examples
    --------
    >>> from sk_fer.modules import network_class
    >>> network_class("fast").__name__
    'FastCNN'
    """
    return find_piece(NETWORKS[name].piece)
