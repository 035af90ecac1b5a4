"""skorch's history, with the names that skorch's documentation uses."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from skorch.history import History
from torch import Tensor

ALIASES = {
    f"{part}_acc{best}": f"{part}_accuracy{best}"
    for part in ("train", "valid")
    for best in ("", "_best")
}
"""Other names of columns: skorch calls the accuracy ``valid_acc``."""


class MissingColumn(KeyError):
    """A history was asked for a column that it does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class EpochRow(dict[str, Any]):
    """One epoch of a history. The aliases can be read, and are not among the keys."""

    def __missing__(self, name: str) -> Any:
        alias = ALIASES.get(name)
        if alias is not None and super().__contains__(alias):
            return self[alias]
        raise MissingColumn(_explanation(name, self))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or super().__contains__(ALIASES.get(str(name)))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a column, or `default`."""
        try:
            return self[name]
        except MissingColumn:
            return default


class FitHistory(History):
    """A skorch history with aliases of columns, and errors that name the columns.

    The losses of batches stay on the device until somebody reads the history, since each
    reading waits for a GPU.

    Parameters
    ----------
    rows : iterable of dict, default=()
        The epochs so far.
    """

    _unread: list[tuple[dict[str, Any], str, Tensor]] = []

    def __init__(self, rows: Iterable[dict[str, Any]] = ()) -> None:
        super().__init__(map(EpochRow, rows))
        self._unread = []

    def append(self, row: dict[str, Any]) -> None:
        """Add an epoch."""
        super().append(EpochRow(row))

    def extend(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add epochs."""
        super().extend(map(EpochRow, rows))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(
            index, map(EpochRow, value) if isinstance(index, slice) else EpochRow(value)
        )

    def new_batch(self) -> None:
        """Add a batch to the last epoch."""
        list.__getitem__(self, -1)["batches"].append({})

    def record_batch(self, attr: str, value: Any) -> None:
        """Record a value of the last batch."""
        list.__getitem__(self, -1)["batches"][-1][attr] = value

    def record_batch_loss(self, attr: str, loss: Tensor) -> None:
        """Record the loss of the last batch, without waiting for the device."""
        self._unread.append((list.__getitem__(self, -1)["batches"][-1], attr, loss))

    def __getitem__(self, i: Any) -> Any:
        self._read()
        try:
            return super().__getitem__(i)
        except MissingColumn:
            raise
        except KeyError as error:
            if not isinstance(i, tuple) or len(i) < 2 or len(i) == 3 or not len(self):
                raise
            row: dict[str, Any] = list.__getitem__(self, -1) if len(i) == 2 else {}
            raise MissingColumn(_explanation(i[-1], row)) from error

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._read()
        return super().__iter__()

    def __getstate__(self) -> None:
        self._read()

    def _read(self) -> None:
        """Fetch the losses of batches from the device."""
        if not self._unread:
            return
        unread, self._unread = self._unread, []
        losses = torch.stack([loss.detach().float() for _, _, loss in unread]).tolist()
        for (row, name, _), loss in zip(unread, losses, strict=True):
            row[name] = loss


def _explanation(name: Any, row: dict[str, Any]) -> str:
    columns = ", ".join(column for column in row if column != "batches")
    message = f"{name!r} is not in the history"
    if columns:
        message += f"; it has the columns {columns}"
    if "valid" in str(name) and columns and "valid_loss" not in row:
        message += (
            ". There are no validation images: set validation_fraction or pass X_val and y_val "
            "to fit"
        )
    return message
