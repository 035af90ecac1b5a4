"""Epochs as tasks of scikit-learn's callbacks."""

from typing import Any

from skorch.callbacks import Callback


class FitTasks(Callback):
    """Call the callbacks of scikit-learn in each epoch, and stop the fit if one requests it.

    Parameters
    ----------
    estimator : estimator
        The estimator in ``fit``.
    context : sklearn.callback.CallbackContext
        The context of the whole fit.
    data : dict
        ``X``, ``y`` and ``metadata``, which the callbacks can use.
    """

    def __init__(self, estimator: Any, context: Any, data: dict[str, Any]) -> None:
        self.estimator = estimator
        self.context = context
        self.data = data

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Open the task of an epoch."""
        self.task_ = self.context.subcontext(task_name="epoch")
        self.task_.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Close the task of an epoch."""
        stop = self.task_.call_on_fit_task_end(
            estimator=self.estimator,
            # The estimator already refers to the net, so that a copy of it can predict.
            reconstruction_attributes=dict,
            **self.data,
        )
        if stop:
            raise KeyboardInterrupt  # skorch then ends the fit

    def __getstate__(self) -> dict[str, Any]:
        # A copy of the net is not a part of a fit.
        return {"estimator": None, "context": None, "data": {}}

    def release(self) -> None:
        """Remove the references to the data and the estimator, which are cyclic."""
        self.estimator = self.context = self.task_ = None
        self.data = {}
