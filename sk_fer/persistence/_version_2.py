"""Parameters in files of format version 2 that no longer exist."""

from typing import Any

_REMOVED_PARAMETERS = ("checkpoint_minutes", "n_checkpoints", "resume")


def without_removed_parameters(node: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a classifier without those that no longer exist.

    Parameters
    ----------
    node : dict
        The parameters in the file. The removed ones controlled the checkpoints of a fit, in a
        folder that no file contains, so that they had no effect on a loaded model.

    Returns
    -------
    dict
        The other parameters.
    """
    return {name: value for name, value in node.items() if name not in _REMOVED_PARAMETERS}
