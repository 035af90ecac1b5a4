"""The state of an estimator with a net, which is pickled as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from sk_fer._utils._library_versions import library_versions
from sk_fer.estimators._history import plain_history

if TYPE_CHECKING:
    from sk_fer.training import FERNet


class StoredNet(BaseEstimator):
    """Pickles ``net_`` as its weights in safetensors bytes, and builds it again from them."""

    net_: FERNet
    _module_config: dict[str, Any]
    _seed: int

    @contextmanager
    def _unchanged_if_refused(self) -> Iterator[None]:
        """Restore the fitted estimator if an error occurs in a fit."""
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
            state["device"] = str(state["device"])  # a torch.device is not a plain value
        if net is not None:
            from sk_fer.estimators import _serialization

            state["versions_"] = library_versions()
            state["_stored_net"] = {
                "weights": _serialization.pack_weights(net.module_),
                "history": plain_history(net.history),
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
            from sk_fer.estimators import _serialization

            _serialization.warn_if_other_version(self.versions_, type(self).__name__)
            # FERFeatures has no classes.
            self.net_ = rebuild_net(
                stored, self._module_config, self._seed, getattr(self, "classes_", ())
            )


def rebuild_net(
    stored: dict[str, Any], module_config: dict[str, Any], seed: int, classes: Sequence[Any]
) -> FERNet:
    """Build the net of a loaded estimator, on the CPU if its device is missing.

    Parameters
    ----------
    stored : dict
        ``weights``, ``history``, ``device``, ``precision`` and ``batch_size``, as
        ``__getstate__`` wrote them.
    module_config : dict
        The arguments of :func:`sk_fer.modules.build_module`.
    seed : int
        The seed of the training.
    classes : sequence
        The classes of a classifier.

    Returns
    -------
    FERNet
        The net, which can predict and continue to train.
    """
    import torch

    from sk_fer.estimators._serialization import unpack_weights
    from sk_fer.modules import build_module, seeded_init
    from sk_fer.training import FERNet, WeightedCrossEntropy, resolve_device, resolve_precision

    precision = stored["precision"]
    try:
        device = resolve_device(stored["device"])
        dtype = resolve_precision(precision, device)
    except ValueError:
        device = torch.device("cpu")
        dtype = resolve_precision("auto", device)
    with seeded_init():
        module = build_module(**module_config)
    unpack_weights(module, stored["weights"])
    net = FERNet(
        module,
        criterion=WeightedCrossEntropy(),
        precision=dtype,
        device=str(device),
        batch_size=stored["batch_size"],
        seed=seed,
        classes=classes,
        verbose=0,
    ).initialize()
    net.history.extend({**row, "batches": []} for row in stored["history"])
    return net
