"""Muon: an optimizer that makes each step of momentum an orthogonal matrix."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

# A quintic that drives singular values between 0 and 1 to about 1, from reference 1.
QUINTIC = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonal steps for matrices and filters, and Nesterov's SGD for the rest.

    A few directions dominate a step of plain momentum. Instead, each weight with two or more
    dimensions, as a matrix with one row per unit, moves by `lr` along the nearest orthogonal
    matrix, which has the same size in all directions. Biases and normalization layers move as in
    ``torch.optim.SGD``. ``torch.optim.Muon`` accepts matrices only and no filters.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        The parameters, as for every optimizer of torch.
    lr : float, default=0.05
        The learning rate. For matrices, it is the length of a step in the spectral norm.
    momentum : float in [0, 1), default=0.6
        The share of the previous gradients in a step.
    weight_decay : float, default=0.0
        The weight decay. In each step, weights are multiplied by ``1 - lr * weight_decay``,
        separately from the gradient (as in AdamW).
    n_iterations : int, default=3
        The number of iterations of the Newton-Schulz method. The resulting singular values are
        between about 0.5 and 1.2.

    References
    ----------
    .. [1] Jordan et al., "Muon: An optimizer for hidden layers in neural networks",
       2024, https://kellerjordan.github.io/posts/muon/.
    .. [2] Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024: the settings
       for small convolutional networks.

    Examples
    --------
    >>> import torch
    >>> from sk_fer.training import Muon
    >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
    >>> optimizer = Muon([weight], lr=1.0, n_iterations=20)
    >>> weight.grad = torch.tensor([[100.0, 0.0], [0.0, -1.0]])
    >>> optimizer.step()
    >>> weight.detach().abs().diagonal().round()  # as far for the small as for the large
    tensor([1., 1.])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.05,
        momentum: float = 0.6,
        weight_decay: float = 0.0,
        n_iterations: int = 3,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "n_iterations": n_iterations,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Perform one step.

        Parameters
        ----------
        closure : callable, default=None
            A function that computes the loss and the gradients again.

        Returns
        -------
        float or None
            The loss that `closure` returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)
        return loss

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        buffer = state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        update = gradient.add(buffer, alpha=group["momentum"])
        if weight.ndim > 1:
            update = orthogonalized(update.flatten(1), group["n_iterations"]).view_as(weight)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(update, alpha=-group["lr"])


def orthogonalized(matrix: Tensor, n_iterations: int) -> Tensor:
    """Return approximately the nearest orthogonal matrix, by Newton-Schulz iteration.

    Parameters
    ----------
    matrix : Tensor of shape (n_rows, n_columns)
        The matrix. It is not changed.
    n_iterations : int
        The number of iterations. Each multiplies small singular values by up to 3.4.

    Returns
    -------
    Tensor of shape (n_rows, n_columns)
        The matrix with the singular vectors of `matrix` and singular values close to one, in the
        type of `matrix`.

    Notes
    -----
    Inside ``torch.autocast``, the products are computed in its type. In bfloat16, the singular
    values differ by less than 0.1 from those of float32.
    """
    # A step multiplies x by a polynomial of its Gram matrix x x^T. All of these polynomials are
    # functions of the first Gram matrix, so that they are multiplied with each other, which are
    # small and square, and x is multiplied once.
    a, b, c = QUINTIC
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / wide.norm().clamp_min(1e-12)
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))
    gram = x @ x.T
    product = None
    for iteration in range(n_iterations):
        step = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal().add_(a)
        product = step if product is None else step @ product
        if iteration < n_iterations - 1:
            gram = step @ gram @ step
    orthogonal = (x if product is None else product @ x).to(matrix.dtype)
    return orthogonal if wide is matrix else orthogonal.T
