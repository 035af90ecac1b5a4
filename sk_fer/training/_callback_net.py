"""A skorch net whose callbacks can read, copy, save and continue it."""

from types import SimpleNamespace
from typing import Any, Self

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping, EpochScoring, LoadInitState, LRScheduler
from skorch.callbacks.scoring import ScoringBase

from sk_fer.training._history import FitHistory, MissingColumn
from sk_fer.training._optimizers import take_state
from sk_fer.training.callbacks import FitTasks, notify_scoring

_NOT_COPIED = {"evaluation_", "augment_", "interrupt_", "forward_iter", "schedulers_"}


class CallbackNet(NeuralNetClassifier):
    """Base class of the net, with the parts that its callbacks need."""

    module: Any
    module_: Any
    optimizer_: torch.optim.Optimizer

    @property
    def history(self) -> FitHistory:
        """The history of all epochs; it also knows ``valid_acc`` and ``train_acc``."""
        return self.history_

    @history.setter
    def history(self, rows: list[dict[str, Any]]) -> None:
        self.history_ = FitHistory(rows)

    def initialize_history(self) -> Self:
        """Start an empty history."""
        self.history_ = FitHistory()
        return self

    # -- a fit after another ---------------------------------------------------------------

    def initialize(self, previous: "CallbackNet | None" = None) -> Self:
        """Build all parts.

        Parameters
        ----------
        previous : CallbackNet, default=None
            A net whose training this one continues: its history, the state of its optimizer if
            this net has the same, and the state of the callbacks that both have.

        Returns
        -------
        CallbackNet
            The net itself.
        """
        self.kept_callbacks_ = [] if previous is None else [c for _, c in previous.callbacks_]
        super().initialize()
        del self.kept_callbacks_
        if previous is not None:
            self.history.extend(previous.history)
            if take_state(self.optimizer_, previous.optimizer_):
                self._note_schedulers(previous)
        return self

    def initialize_callbacks(self) -> Self:
        """Initialize the callbacks, except those of the net that this one continues."""
        kept = getattr(self, "kept_callbacks_", [])
        if not kept:
            return super().initialize_callbacks()
        self.callbacks_ = list(self._uniquely_named_callbacks())
        for _, callback in self.callbacks_:
            if not any(callback is other for other in kept):
                callback.initialize()
        return self

    def _note_schedulers(self, other: "CallbackNet") -> None:
        """Store the state of torch's schedulers, which each fit builds again."""
        rates = [group["lr"] for group in other.optimizer_.param_groups]
        kept = {id(callback) for _, callback in other.callbacks_}
        self.schedulers_ = [
            (callback, callback.lr_scheduler_.state_dict(), rates)
            for _, callback in self.callbacks_
            if isinstance(callback, LRScheduler)
            and id(callback) in kept
            and callback.lr_scheduler_ is not None
            and callback.step_every == "epoch"
            and self.lr == other.lr
        ]

    def _continue_schedulers(self) -> None:
        for callback, state, rates in self.__dict__.pop("schedulers_", ()):
            callback.lr_scheduler_.load_state_dict(state)
            for group, rate in zip(self.optimizer_.param_groups, rates, strict=True):
                group["lr"] = rate

    # -- calls of callbacks ----------------------------------------------------------------

    def _call_callbacks(self, method_name: str, **kwargs: Any) -> bool:
        """Call a method of all callbacks, and return whether one of them requests a stop."""
        stop = False
        callbacks = self.callbacks_
        if method_name == "on_train_begin":  # others note the epoch that the fit starts from
            callbacks = sorted(callbacks, key=lambda pair: not isinstance(pair[1], LoadInitState))
        for name, callback in callbacks:
            try:
                if isinstance(callback, ScoringBase):
                    notify_scoring(callback, method_name, self, **kwargs)
                else:
                    getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt:
                if self.interrupt_.is_set():
                    raise
                stop = True
            except MissingColumn as error:
                raise ValueError(f"the callback {name}: {error}") from error
        return stop

    def _release_callbacks(self) -> None:
        """Remove the data, predictions and weights of the fit from the callbacks."""
        for _, callback in self.callbacks_:
            if isinstance(callback, FitTasks):
                callback.release()
            elif isinstance(callback, EarlyStopping):
                callback.best_model_weights_ = None
            elif isinstance(callback, EpochScoring):
                callback.on_train_end()  # is not called after an error

    def _undo_steps_after_the_best_epoch(self) -> None:
        """Load the best weights if they are those of the last complete epoch.

        ``EarlyStopping`` of skorch then assumes that the net has them, and does not load them.
        """
        for _, callback in self.callbacks_:
            if (
                isinstance(callback, EarlyStopping)
                and callback.best_model_weights_ is not None
                and callback.best_epoch_ == self.history[-1, "epoch"]
            ):
                self.module_.load_state_dict(callback.best_model_weights_)

    # -- copies and files ------------------------------------------------------------------

    def _get_module(self, name: str, msg: str) -> Any:
        """Return what ``save_params`` and ``load_params`` of skorch need of a module.

        Files of safetensors need contiguous weights, but those of convolutions are not.
        """
        module = super()._get_module(name, msg)
        if not isinstance(module, torch.nn.Module):
            return module
        return SimpleNamespace(
            state_dict=lambda: {k: v.contiguous() for k, v in module.state_dict().items()},
            load_state_dict=module.load_state_dict,
        )

    def __getstate__(self) -> dict[str, Any]:
        # skorch stores module_ as bytes, and module is the same object.
        left_out = {*_NOT_COPIED, "module"} if self.initialized_ else _NOT_COPIED
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.initialized_:
            self.module = self.module_
