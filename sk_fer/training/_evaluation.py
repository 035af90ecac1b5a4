"""How predictions run: the fused network, and batches as large as memory allows."""

import torch
from torch import nn

from sk_fer.modules import FaceModule, fused_for_evaluation, largest_activation

# On a CPU an activation that outgrows the caches costs more than a larger batch saves.
CPU_ACTIVATION = 64 * 2**20
LARGEST_BATCH = 1024
# Fewer images gain nothing from the fused form, and would pay for the comparison of the weights.
FEWEST_FUSED = 256


class EvaluationForm:
    """Chooses the form of a module that predictions run.

    Many images go through a fused copy, which is made again when a layer or a weight of the module
    has changed since. That comparison takes one pass over the weights. Few images, and modules with
    hooks, go through the module itself: it is as fast for them, and cannot be out of date.

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
        self._largest_activation = 0

    def module_for(self, n_images: int) -> FaceModule:
        """Return what a number of images go through, in evaluation mode.

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

        The version of a tensor does not tell: changes through ``.data`` and the steps of fused
        optimizers leave it as it is.
        """
        weights = self.module.state_dict()
        return (
            len(layers) == len(self._layers)
            and all(now is then for now, then in zip(layers, self._layers, strict=True))
            and weights.keys() == self._weights.keys()
            and all(_same(weights[name], then) for name, then in self._weights.items())
        )

    def batch_size(self, image_shape: tuple[int, ...], device: torch.device) -> int:
        """Return how many images to predict at once.

        Parameters
        ----------
        image_shape : tuple of (height, width, channels)
            Shape of one image.
        device : torch.device
            Of the module.

        Returns
        -------
        int
            At most 1,024.
        """
        if not self._largest_activation:
            image = torch.zeros(1, *image_shape, dtype=torch.uint8, device=device)
            self._largest_activation = largest_activation(self.module, image)
        room = CPU_ACTIVATION
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            room = free // 8
        return max(1, min(room // self._largest_activation, LARGEST_BATCH))


def _same(now: torch.Tensor, then: torch.Tensor) -> bool:
    return now.dtype == then.dtype and now.device == then.device and torch.equal(now, then)


def _calls_are_changed(layers: list[nn.Module]) -> bool:
    """Return whether hooks, pruning, parametrizations or a replaced ``forward`` are there."""
    return any(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or "forward" in vars(layer)
        or "parametrizations" in layer._modules
        for layer in layers
    )
