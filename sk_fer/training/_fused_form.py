"""The fused form of a module, for predictions of many images."""

import torch
from torch import nn

from sk_fer.modules import FaceModule, fused_for_evaluation

# For fewer images, the comparison of the weights takes longer than the fused form saves.
FEWEST_FUSED = 256


class FusedForm:
    """A fused copy of a module, which is kept up to date.

    Many images are predicted with the fused copy, which is made again if a layer or a weight of the
    module has changed. The comparison takes one pass over the weights. For few images, and for
    modules with hooks, the module itself is used, which is equally fast and never out of date.

    Parameters
    ----------
    module : FaceModule
        The module that is trained.
    """

    def __init__(self, module: FaceModule) -> None:
        self.module = module
        self._fused: FaceModule | None = None
        self._layers: list[nn.Module] = []
        self._weights: dict[str, torch.Tensor] = {}

    def module_for(self, n_images: int) -> FaceModule:
        """Return the module that predicts a number of images, in evaluation mode.

        Parameters
        ----------
        n_images : int
            The number of images of the whole prediction.

        Returns
        -------
        FaceModule
            The module, or a copy of the same function.
        """
        layers = list(self.module.modules())
        if any(layer.training for layer in layers):
            self.module.eval()
        if n_images < FEWEST_FUSED or _calls_are_changed(layers):
            return self.module
        if self._fused is None or not self._is_as_fused(layers):
            network = fused_for_evaluation(self.module.network)
            # The weights may have another layout since the fit.
            network.to(memory_format=torch.channels_last)
            self._fused = FaceModule(self.module.prepare, network)
            self._layers = layers
            state = self.module.state_dict()
            self._weights = {name: tensor.clone() for name, tensor in state.items()}
        return self._fused

    def _is_as_fused(self, layers: list[nn.Module]) -> bool:
        """Compare layers and weights with those that were fused.

        The version counter of tensors is not sufficient: changes through ``.data`` and steps of
        fused optimizers do not increase it.
        """
        weights = self.module.state_dict()
        return (
            len(layers) == len(self._layers)
            and all(now is then for now, then in zip(layers, self._layers, strict=True))
            and weights.keys() == self._weights.keys()
            and all(_same(weights[name], then) for name, then in self._weights.items())
        )


def _same(now: torch.Tensor, then: torch.Tensor) -> bool:
    return now.dtype == then.dtype and now.device == then.device and torch.equal(now, then)


def _calls_are_changed(layers: list[nn.Module]) -> bool:
    """Return whether a layer has hooks, pruning, parametrizations or a replaced ``forward``."""
    return any(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or "forward" in vars(layer)
        or "parametrizations" in layer._modules
        for layer in layers
    )
