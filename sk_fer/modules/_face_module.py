"""The module that an estimator trains: an input layer and a network."""

from torch import Tensor, nn

from sk_fer.modules._input import InputLayer


class FaceModule(nn.Module):
    """A module that maps images to logits.

    The two parts are separate so that training can augment the output of the first.

    Parameters
    ----------
    prepare : InputLayer
        The layer that maps images to normalized floats.
    network : torch.nn.Module
        The network that maps normalized floats of shape (n, channels, height, width) to logits
        of shape (n, n_classes).
    """

    def __init__(self, prepare: InputLayer, network: nn.Module) -> None:
        super().__init__()
        self.prepare = prepare
        self.network = network
        self.built_with = self._weight_shapes()

    def _weight_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = {name: getattr(value, "shape", ()) for name, value in self.state_dict().items()}
        return {name: tuple(shape) for name, shape in shapes.items()}

    def check_unchanged(self) -> None:
        """Check that the weights are those of the network that was built.

        Raises
        ------
        ValueError
            If layers or weights were added, removed or replaced by others of another shape.
        """
        now = self._weight_shapes()
        changed = sorted(dict(now.items() ^ self.built_with.items()))
        if changed:
            raise ValueError(
                f"the layers of net_.module_ were changed, and a file can only contain the weights "
                f"of the network that was built; {len(changed)} weights differ, such as "
                f"{changed[0]!r}: make the change permanent first, with "
                "torch.nn.utils.prune.remove or "
                "torch.nn.utils.parametrize.remove_parametrizations, or save net_.module_ with "
                "torch.save"
            )

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (n, n_classes), of images (n, height, width, channels)."""
        return self.network(self.prepare(images))
