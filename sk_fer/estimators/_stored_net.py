"""How an estimator with a net is kept: through a refused fit, and pickled as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from sk_fer.estimators._nets import rebuild_net

if TYPE_CHECKING:
    from sk_fer.training import FERNet


class StoredNet(BaseEstimator):
    """Keeps the weights of ``net_`` as safetensors bytes, and builds the net anew of them."""

    net_: FERNet
    _module_config: dict[str, Any]
    _seed: int

    @contextmanager
    def _unchanged_if_refused(self) -> Iterator[None]:
        """Leave a fitted estimator as it was when it cannot be fitted again."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def __sklearn_is_fitted__(self) -> bool:
        return "net_" in vars(self)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        net = state.pop("net_", None)
        if "device" in state:
            state["device"] = str(state["device"])  # a torch.device is no plain value
        if net is not None:
            from sk_fer.estimators import _persistence

            state["versions_"] = _persistence.library_versions()
            state["_stored_net"] = {
                "weights": _persistence.pack_weights(net.module_),
                "history": _persistence.plain_history(net.history),
                "device": net.device,
                "precision": str(net.precision).removeprefix("torch."),
                "batch_size": net.batch_size,
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        stored = state.pop("_stored_net", None)
        super().__setstate__(state)
        if stored is not None:
            from sk_fer.estimators import _persistence

            _persistence.warn_if_other_version(self.versions_, type(self).__name__)
            self.net_ = rebuild_net(self, stored)
