"""How predictions run: the fused network, and batches as large as the memory likes them."""

import torch
from torch import nn

from sk_fer.modules import FaceModule, fused_for_evaluation, largest_activation

# On a CPU an activation that outgrows the caches costs more than a larger batch saves.
CPU_ACTIVATION = 64 * 2**20
LARGEST_BATCH = 1024


class EvaluationForm:
    """The form of a module that predictions run, made anew when its weights change.

    Parameters
    ----------
    module : FaceModule
        The module that is trained.
    """

    def __init__(self, module: FaceModule) -> None:
        self.module = module
        self._fused: FaceModule | None = None
        self._layers: list[nn.Module] = []
        self._versions: list[tuple[int, int]] = []
        self._values: dict[str, torch.Tensor] = {}
        self._largest_activation = 0

    def outdated(self) -> None:
        """Note a step of an optimizer: fused ones do not count up the version of a tensor."""
        self._fused = None

    def refresh(self) -> None:
        """Set the evaluation mode, and compare layers and weights with those that were fused.

        Changes through ``.data`` leave the version of a tensor as it is, so that the values are
        compared. That costs one pass over the weights per call of a prediction.
        """
        layers = list(self.module.modules())
        if any(layer.training for layer in layers):
            self.module.eval()
        if self._fused is None:
            return
        weights = self.module.state_dict()
        if (
            len(layers) != len(self._layers)
            or any(now is not then for now, then in zip(layers, self._layers, strict=True))
            or weights.keys() != self._values.keys()
            or not all(_same(weights[name], then) for name, then in self._values.items())
        ):
            self._fused = None

    def current(self) -> FaceModule:
        """Return the module with its network fused, or itself if its calls are changed."""
        if _calls_are_changed(self.module):
            self._fused = None
            if any(layer.training for layer in self.module.modules()):
                self.module.eval()
            return self.module
        weights = self.module.state_dict(keep_vars=True)
        versions = [(id(tensor), tensor._version) for tensor in weights.values()]
        if self._fused is None or self._versions != versions:
            network = fused_for_evaluation(self.module.network)
            # The weights may have another layout since the fit.
            network.to(memory_format=torch.channels_last)
            self._fused = FaceModule(self.module.prepare, network)
            self._layers = list(self.module.modules())
            self._versions = versions
            self._values = {name: tensor.detach().clone() for name, tensor in weights.items()}
        return self._fused

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
            self._largest_activation = largest_activation(self.current(), image)
        room = CPU_ACTIVATION
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            room = free // 8
        return max(1, min(room // self._largest_activation, LARGEST_BATCH))


def _same(now: torch.Tensor, then: torch.Tensor) -> bool:
    return now.dtype == then.dtype and now.device == then.device and torch.equal(now, then)


def _calls_are_changed(module: nn.Module) -> bool:
    """Return whether hooks, pruning, parametrizations or a replaced ``forward`` are there."""
    return any(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or "forward" in vars(layer)
        or "parametrizations" in layer._modules
        for layer in module.modules()
    )
