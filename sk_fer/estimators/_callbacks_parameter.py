"""The parameter ``callbacks``: names, copies and nested parameters of callbacks."""

from __future__ import annotations

from collections import Counter
from copy import copy, deepcopy
from functools import partial
from typing import Any, Self

from sklearn.base import BaseEstimator, clone


def named_callbacks(callbacks: Any) -> list[tuple[str, Any]]:
    """Name callbacks as skorch does: after their classes, unless the user named them.

    Parameters
    ----------
    callbacks : list, tuple or None
        skorch callbacks, instances or classes, alone or as (name, callback).

    Returns
    -------
    list of (name, callback)
        The callbacks in the same order. A callback that was removed is None.

    Raises
    ------
    TypeError
        If an item is neither a callback nor (name, callback).

    Examples
    --------
    >>> from skorch.callbacks import EarlyStopping, Freezer
    >>> callbacks = [Freezer("a"), ("stop", EarlyStopping()), Freezer("b")]
    >>> [name for name, _ in named_callbacks(callbacks)]
    ['Freezer_1', 'stop', 'Freezer_2']
    """
    pairs = [item if _is_pair(item) else (None, item) for item in callbacks or ()]
    for (name, callback), item in zip(pairs, callbacks or (), strict=True):
        if not hasattr(callback, "on_epoch_end") and (name is None or callback is not None):
            raise TypeError(
                f"callbacks contains {item!r}; expected skorch callbacks, or (name, callback)"
            )
    kinds = [_class_name(callback) for name, callback in pairs if name is None]
    count: Counter[str] = Counter()
    named = []
    for name, callback in pairs:
        if name is None:
            name = kind = _class_name(callback)
            if kinds.count(kind) > 1:
                count[kind] += 1
                name = f"{kind}_{count[kind]}"
        named.append((name, callback))
    return named


def _class_name(callback: Any) -> str:
    return (callback if isinstance(callback, type) else type(callback)).__name__


def _is_pair(item: Any) -> bool:
    return isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str)


def _named_or_none(callbacks: Any) -> list[tuple[str, Any]] | None:
    """Name callbacks, or return None if the parameter is not valid."""
    try:
        return named_callbacks(callbacks) if isinstance(callbacks, (list, tuple)) else None
    except TypeError:
        return None


def copied_callbacks(callbacks: Any) -> Any:
    """Return a copy of the parameter for a clone of its estimator.

    Parameters
    ----------
    callbacks : list, tuple or None
        The parameter.

    Returns
    -------
    list, tuple or None
        The parameter with copies of the callbacks, in their state before a fit.

    Raises
    ------
    TypeError
        If a callback cannot be copied. The message contains its name.
    """
    named = _named_or_none(callbacks)
    if named is None:
        return clone(callbacks, safe=False)
    copies = [_copied(name, callback) for name, callback in named]
    for (_, callback), other in zip(named, copies, strict=True):
        # LoadInitState refers to another callback, so that its copy must refer to the copy of it.
        for (_, referred), copied in zip(named, copies, strict=True):
            for attribute, value in vars(callback).items() if referred is not None else ():
                if value is referred:
                    setattr(other, attribute, copied)
    return _with_callbacks(callbacks, copies)


def _with_callbacks(callbacks: Any, replacements: list[Any]) -> Any:
    """Return the parameter with other callbacks under the same names."""
    items = [
        type(item)((item[0], other)) if _is_pair(item) else other
        for item, other in zip(callbacks, replacements, strict=True)
    ]
    return type(callbacks)(items)


def _copied(name: str, callback: Any) -> Any:
    try:
        try:
            other = clone(_without_fit(callback), safe=False)
        except (TypeError, RuntimeError):
            # Its __init__ does not have all of its attributes as parameters.
            other = deepcopy(callback)
    except Exception as error:
        raise TypeError(
            f"the callback {name} cannot be copied: {error}. Searches and cross-validation clone "
            "the estimator, which copies its callbacks; create the objects that cannot be copied "
            "in on_train_begin, or remove the callback"
        ) from error
    shared = getattr(callback, "shared_dirname_", None)
    if shared is not None:
        other.dirname = shared
    return other


def _without_fit(callback: Any) -> Any:
    """Return a callback without objects of the previous fit, which the next fit creates again."""
    if hasattr(callback, "lr_scheduler_"):  # it refers to the optimizer and all weights
        callback = copy(callback)
        vars(callback).pop("lr_scheduler_")
        vars(callback).pop("policy_", None)
    elif getattr(callback, "schedule", None) is not None and hasattr(callback, "_default_schedule"):
        # skorch replaces these parameters with methods of the callback.
        callback = copy(callback)
        if getattr(callback.schedule, "__name__", "") == "_default_schedule":
            callback.schedule = None
        if isinstance(callback.at, partial) and callback.at.func.__name__ == "_epoch_at":
            callback.at = callback.at.keywords["epoch"]
    return callback


class CallbacksParameter(BaseEstimator):
    """Lists, sets and copies the callbacks of an estimator like its other parameters."""

    callbacks: Any
    _callbacks_are_copies = False

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of this estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the callbacks, as ``callbacks__<name>``, and their parameters, as
            ``callbacks__<name>__<parameter>``. A callback without a name is named after its
            class, as in skorch.

        Returns
        -------
        dict of str to object
            The values of the parameters, by name.
        """
        params = super().get_params(deep=deep)
        return {**params, **self._callback_params()} if deep else params

    def _callback_params(self) -> dict[str, Any]:
        params = {}
        for name, callback in _named_or_none(self.callbacks) or ():
            params[f"callbacks__{name}"] = callback
            if callback is not None and not isinstance(callback, type):
                own = callback.get_params(deep=True)
                params.update({f"callbacks__{name}__{key}": value for key, value in own.items()})
        return params

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params
            Parameters of the estimator. ``callbacks__<name>`` replaces a callback, and None
            removes it. ``callbacks__<name>__<parameter>`` sets a parameter of a callback.

        Returns
        -------
        self : object
            The estimator itself.

        Raises
        ------
        ValueError
            If a parameter is unknown.
        """
        whole = {k: v for k, v in params.items() if not k.startswith("callbacks__")}
        parts = {k: v for k, v in params.items() if k not in whole}
        super().set_params(**whole)
        for key in sorted(
            parts, key=lambda key: key.count("__")
        ):  # callbacks before their parameters
            _, name, *rest = key.split("__", 2)
            current = dict(named_callbacks(self.callbacks))
            if name not in current or (rest and current[name] is None):
                raise ValueError(
                    f"Invalid parameter {key!r} for estimator {self}. Valid parameters are: "
                    f"{sorted(self.get_params())!r}."
                )
            if not rest:
                self._replace_callback(name, parts[key])
            elif isinstance(current[name], type):
                self._replace_callback(name, current[name](**{rest[0]: parts[key]}))
            else:
                current[name].set_params(**{rest[0]: parts[key]})
        return self

    def _replace_callback(self, name: str, callback: Any) -> None:
        # Other estimators may share the previous list.
        named = named_callbacks(self.callbacks)
        self.callbacks = [(n, callback if n == name else c) for n, c in named]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        named = _named_or_none(self.callbacks)
        if named:
            copies = [_without_fit(callback) for _, callback in named]
            state["callbacks"] = _with_callbacks(self.callbacks, copies)
        return state

    def __sklearn_clone__(self) -> Self:
        # scikit-learn clones the other parameters, of a shallow copy without callbacks.
        stand_in = object.__new__(type(self))
        stand_in.__dict__.update(vars(self), callbacks=None)
        other = super(CallbacksParameter, stand_in).__sklearn_clone__()
        other.callbacks = copied_callbacks(self.callbacks)
        other._callbacks_are_copies = True
        return other
