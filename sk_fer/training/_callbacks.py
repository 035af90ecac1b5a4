"""Epochs as tasks of scikit-learn's callbacks."""

from typing import Any

from skorch.callbacks import Callback


class FitTasks(Callback):
    """Tell scikit-learn's callbacks of each epoch, and stop when one says so.

    Parameters
    ----------
    estimator : estimator
        The estimator in ``fit``.
    context : sklearn.callback.CallbackContext
        Of the whole fit.
    data : dict
        ``X``, ``y`` and ``metadata`` as callbacks may ask for them.
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
            # The estimator already holds the net; a copy of it predicts as it stands.
            reconstruction_attributes=dict,
            **self.data,
        )
        if stop:
            raise KeyboardInterrupt  # skorch's word for it

    def __getstate__(self) -> dict[str, Any]:
        # A copy of the net belongs to no fit.
        return {"estimator": None, "context": None, "data": {}}

    def release(self) -> None:
        """Let go of the data and of the estimator, which holds the net that holds this."""
        self.estimator = self.context = self.task_ = None
        self.data = {}
