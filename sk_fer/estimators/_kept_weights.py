"""A parameter that is a fitted classifier, which searches must neither clone nor change."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator


class KeptWeights(BaseEstimator):
    """Keeps the classifier in `weights` as it is: fitted, and with its own parameters."""

    weights: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; those of a classifier in `weights` are not among them.

        Parameters
        ----------
        deep : bool, default=True
            Has no effect.

        Returns
        -------
        dict
        """
        return super().get_params(deep=False)

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params
            By name.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If one is a parameter of the classifier in `weights`, which others may share.
        """
        inner = [name for name in params if name.startswith("weights__")]
        if inner:
            raise ValueError(
                f"{inner[0]!r} would change a fitted classifier that others may share; set it on "
                "that classifier, before its fit"
            )
        return super().set_params(**params)

    def __sklearn_clone__(self) -> Self:
        clone = super().__sklearn_clone__()
        clone.weights = self.weights  # a clone of a fitted classifier would have none
        return clone
