"""From the labels of a list or of folders, codes or words, to class names."""

import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from sk_fer.datasets._names import EXPRESSIONS, expression_of

_WHOLE = re.compile(r"\s*([+-]?)0*(\d{1,9})(?:\.0*)?\s*")

Names = Mapping[Any, str | None] | Sequence[str]


class LabelNames:
    """The class name of each label.

    Parameters
    ----------
    names : mapping, sequence of str, or None
        As in `load_labelled_images`.

    Raises
    ------
    ValueError
        If `names` is empty or contains what is not a name.
    """

    def __init__(self, names: Names | None) -> None:
        self._advice = ""
        table: dict[str, str | None] = {}
        if names is None:
            self.target_names: tuple[str, ...] = EXPRESSIONS
            self._wanted = f"an expression ({', '.join(EXPRESSIONS)})"
            self._advice = (
                "; names={0: 'angry', ...} says what codes mean, and which of them are left out "
                "(None)"
            )
        else:
            pairs = list(names.items() if isinstance(names, Mapping) else enumerate(names))
            if not isinstance(names, Mapping):
                pairs += [(name, name) for name in names]
            for label, name in pairs:
                if not (name is None or (isinstance(name, str) and name.strip())):
                    raise ValueError(f"got names={names!r:.200}, expected class names or None")
                table[_key(str(label))] = name
            self.target_names = tuple(dict.fromkeys(name for name in table.values() if name))
            if not self.target_names:
                raise ValueError(f"got names={names!r:.200}, expected at least one class name")
            self._wanted = "one of " + ", ".join(dict.fromkeys(str(label) for label, _ in pairs))
        self._table: dict[str, str | None] = {}
        self._known = table
        self._given = names is not None

    def __call__(self, label: str) -> str | None:
        """Return the class name of a label, or None if it is left out.

        Raises
        ------
        ValueError
            If the label is unknown.
        """
        if label not in self._table:
            self._table[label] = self._find(label)
        return self._table[label]

    def _find(self, label: str) -> str | None:
        key = _key(label)
        if key in self._known:
            return self._known[key]
        expression = expression_of(label)
        if self._given:
            same = [n for n in self.target_names if expression and expression_of(n) == expression]
            if len(same) == 1 and not _WHOLE.fullmatch(label):
                return same[0]
        elif expression is not None:
            return expression
        what = reprlib.repr(label) if label.strip() else "empty"
        raise ValueError(f"the label is {what}, expected {self._wanted}{self._advice}")


def _key(label: str) -> str:
    """Return a label as it is compared: ``3``, ``03`` and ``3.0`` are the same code."""
    number = _WHOLE.fullmatch(label)
    if number:
        return f"{number[1].replace('+', '')}{number[2]}"
    return label.strip().casefold()
