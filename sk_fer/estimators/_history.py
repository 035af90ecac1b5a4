"""The history of a fit as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_FIRST_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "lr",
    "seconds",
)


def plain_history(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return skorch's history without batches and with numbers of Python.

    Parameters
    ----------
    history : list of dict
        A skorch ``History``.

    Returns
    -------
    list of dict
        One row per epoch.
    """
    return [
        {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items() if k != "batches"}
        for row in history
    ]


def history_table(history: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a history as the table that users see.

    Parameters
    ----------
    history : list of dict
        A skorch ``History``.

    Returns
    -------
    DataFrame
        One row per epoch. Loss, accuracy, learning rate and seconds come first, then the columns
        of callbacks.
    """
    import pandas as pd

    table = pd.DataFrame(plain_history(history)).rename(columns={"dur": "seconds"})
    shown = [name for name in table if not str(name).endswith(("_batch_count", "_best"))]
    first = [name for name in _FIRST_COLUMNS if name in shown]
    return table[first + [name for name in shown if name not in first]]
