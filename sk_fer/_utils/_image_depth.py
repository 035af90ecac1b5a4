"""Images of any depth, colour space or transparency to what converts to 8-bit gray or RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

_DEPTHS = (8, 10, 12, 14, 16, 20, 24, 28, 31)
_ABOVE_ONE = 1.001  # a little more than 1 is rounding; much more is another scale
_DARKEST_WHITE = 16
_UNUSED = 16  # of 256: what has 12 bits in 16 is less


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Return an image that converts to gray or RGB as the eye would have it.

    Integers are scaled by the least of the usual depths that holds the largest of them, and
    floats by 1 or 255.

    Parameters
    ----------
    image : Image
        Of any mode that Pillow has.

    Returns
    -------
    image : Image
        Opaque, 8 bits a channel.

    Raises
    ------
    ValueError
        If there are negative values, or floats of an unknown scale.
    """
    if image.mode.startswith("I"):  # Pillow's own conversion cuts at 255
        return Image.fromarray(_scale_integers(np.asarray(image)))
    if image.mode == "F":
        return Image.fromarray(_scale_floats(np.asarray(image)))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(
            white, image if image.mode == "RGBA" else image.convert("RGBA")
        )
    return image.convert("RGB") if image.mode == "CMYK" else image


def is_deep_color(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has several channels of 16 bits each.

    Pillow keeps the upper 8 of them.
    """
    tiles = getattr(image, "tile", [])  # what a file format's own reader is to decode
    return len(image.getbands()) > 1 and any(";16" in str(tile.args) for tile in tiles)


def refuse_unscaled_color(image: Image.Image) -> None:
    """Raise a ValueError if colours of 16 bits leave the upper ones unused, and would be black."""
    bands = image.getextrema()[: 3 if image.mode.startswith("RGB") else 1]
    if max(most for _, most in bands) < _UNUSED:  # type: ignore[misc]
        raise ValueError(
            "its colours have 16 bits and use only the lower 12 or fewer; wanted colours of 8 bits "
            "or of the whole range of 16"
        )


def _scale_integers(values: np.ndarray) -> np.ndarray:
    least, most = int(values.min()), int(values.max())
    if least < 0:
        raise ValueError(f"it has values from {least} to {most}, wanted none below 0")
    depth = next(depth for depth in _DEPTHS if most < 1 << depth)
    return (values >> (depth - 8)).astype(np.uint8)


def _scale_floats(values: np.ndarray) -> np.ndarray:
    least, most = float(values.min()), float(values.max())
    wanted = "wanted 0 to 1 or 0 to 255"
    if not np.isfinite(values).all():
        raise ValueError(f"it has values that are not finite, {wanted}")
    if least < 0 or most > 65535 or _ABOVE_ONE < most < _DARKEST_WHITE:
        raise ValueError(f"it has values from {least:g} to {most:g}, {wanted}")
    if most <= _ABOVE_ONE:
        return np.rint(values.clip(0, 1) * np.float32(255)).astype(np.uint8)
    if most < 256:
        return np.rint(values).clip(0, 255).astype(np.uint8)
    return _scale_integers(np.rint(values).astype(np.int32))
