"""Converts images of any depth, colour space or transparency to 8 bits per channel."""

from __future__ import annotations

import numpy as np
from PIL import Image

_ABOVE_ONE = 1.001  # values slightly above 1 come from rounding, larger ones have another scale
_DARKEST_WHITE = 16


def to_eight_bits(image: Image.Image, *, may_be_dark: bool = False) -> Image.Image:
    """Return an image with 8 bits per channel that converts to gray or RGB.

    Integers up to 65,535 are scaled as 16 bits, larger integers as 31 bits, and floats by 1 or
    255. The scale does not depend on the largest value of an image otherwise, so that all images
    of a data set have the same scale.

    Parameters
    ----------
    image : Image
        An image of any mode of Pillow.
    may_be_dark : bool, default=False
        Whether integers that are all small are dark, because the file says which value is white.

    Returns
    -------
    image : Image
        The image, opaque.

    Raises
    ------
    ValueError
        If there are negative values, floats of an unknown scale, or integers that are so small
        that the image would be nearly black.
    """
    if image.mode.startswith("I"):  # Pillow's conversion clips at 255
        return Image.fromarray(_scale_integers(np.asarray(image), may_be_dark))
    if image.mode == "F":
        return Image.fromarray(_scale_floats(np.asarray(image)))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(
            white, image if image.mode == "RGBA" else image.convert("RGBA")
        )
    return image.convert("RGB") if image.mode == "CMYK" else image


def is_deep_color(image: Image.Image) -> bool:
    """Return whether an image that is not loaded yet has several channels of 16 bits.

    Pillow then keeps the upper 8 bits only.
    """
    tiles = getattr(image, "tile", [])  # the arguments of the decoder
    return len(image.getbands()) > 1 and any(";16" in str(tile.args) for tile in tiles)


def refuse_unscaled_color(image: Image.Image) -> None:
    """Raise a ValueError if colours of 16 bits use only the lower 12 bits or fewer."""
    bands = image.getextrema()[: 3 if image.mode.startswith("RGB") else 1]
    if max(most for _, most in bands) < 16:  # type: ignore[misc]
        raise ValueError(
            "its colours have 16 bits and use only the lower 12 or fewer, and would be nearly "
            "black; save it with values from 0 to 65535, or with 8 bits"
        )


def _scale_integers(values: np.ndarray, may_be_dark: bool = False) -> np.ndarray:
    least, most = int(values.min()), int(values.max())
    if least < 0:
        raise ValueError(f"it has values from {least} to {most}, expected no negative values")
    if 0 < most < 1 << 12 and not may_be_dark:
        n_bits = next(n_bits for n_bits in (8, 10, 12) if most < 1 << n_bits)
        raise ValueError(
            f"its largest value is {most}, which would be nearly black, since images of more than "
            f"8 bits are scaled from 0 to 65535; if its values have {n_bits} bits, save it with "
            f"all values times {1 << (16 - n_bits)}, or with 8 bits"
        )
    if 1 << 16 <= most < 1 << 27:
        raise ValueError(
            f"its largest value is {most}, expected at most 65535, or values of 31 bits"
        )
    return (values >> (8 if most < 1 << 16 else 23)).astype(np.uint8)


def _scale_floats(values: np.ndarray) -> np.ndarray:
    least, most = float(values.min()), float(values.max())
    expected = "expected 0 to 1 or 0 to 255"
    if not np.isfinite(values).all():
        raise ValueError(f"it has values that are not finite, {expected}")
    if least < 0 or most > 65535 or _ABOVE_ONE < most < _DARKEST_WHITE:
        raise ValueError(f"it has values from {least:g} to {most:g}, {expected}")
    if most <= _ABOVE_ONE:
        return np.rint(values.clip(0, 1) * np.float32(255)).astype(np.uint8)
    if most < 256:
        return np.rint(values).clip(0, 255).astype(np.uint8)
    return _scale_integers(np.rint(values).astype(np.int32))
