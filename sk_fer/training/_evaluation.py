"""How predictions run: the fused network, and batches as large as the memory likes them."""

from typing import Any

import torch

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
        self._made: tuple[Any, FaceModule] | None = None
        self._largest_activation = 0

    def outdated(self) -> None:
        """Note a step of an optimizer: fused ones do not count up the version of a tensor."""
        self._made = None

    def current(self) -> FaceModule:
        """Return the module with its network fused."""
        weights = self.module.state_dict(keep_vars=True).values()
        version = [(id(tensor), tensor._version) for tensor in weights]
        made = self._made
        if made is None or made[0] != version:
            fused = FaceModule(self.module.prepare, fused_for_evaluation(self.module.network))
            made = self._made = version, fused
        return made[1]

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
