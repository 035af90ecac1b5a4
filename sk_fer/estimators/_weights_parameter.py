"""The parameter ``weights``. A fitted classifier in it is not cloned and not changed."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator


class WeightsParameter(BaseEstimator):
    """Mixin for a parameter `weights` that can be a fitted classifier, which clones share."""

    weights: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of this estimator, without those of a classifier in `weights`.

        Parameters
        ----------
        deep : bool, default=True
            This parameter has no effect.

        Returns
        -------
        dict
            The values of the parameters, by name.
        """
        return super().get_params(deep=False)

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params
            The parameters, by name.

        Returns
        -------
        self : object
            The estimator itself.

        Raises
        ------
        ValueError
            If one is a parameter of the classifier in `weights`, because other estimators may
            use the same classifier.
        """
        inner = [name for name in params if name.startswith("weights__")]
        if inner:
            raise ValueError(
                f"{inner[0]!r} would change a fitted classifier that other estimators may use; "
                "set the parameter of that classifier before its fit"
            )
        return super().set_params(**params)

    def __sklearn_clone__(self) -> Self:
        clone = super().__sklearn_clone__()
        clone.weights = self.weights  # a clone of a fitted classifier would have no weights
        return clone
