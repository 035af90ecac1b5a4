"""Images with a text above each, in one axes."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from sk_fer._utils._as_array import as_array
from sk_fer._utils._layout import SIDE, to_images
from sk_fer.inspection._steps import READERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP = 0.08  # between columns, where the width of an image is 1
_LINE = 0.2  # the height of a line of text
_LONGEST_NAME = 14  # letters above an image


def check_count(name: str, value: object) -> None:
    """Raise an error if a number of images is not a positive integer."""
    if not SIDE.is_satisfied_by(value):
        raise ValueError(f"got {name}={value!r}, expected an integer of 1 or more")


def pictures(X: Any, *, estimator: Any = None, image_shape: Any = None) -> NDArray:
    """Return the images that X stands for, in the form that can be plotted.

    Parameters
    ----------
    X : array-like
        The images, flat or not. Files or strings of pixels, if `estimator` reads them.
    estimator : classifier, default=None
        The fitted classifier, Pipeline or search that X is for. It says which shape flat rows have.
    image_shape : int or tuple of int, default=None
        The shape of images in flat rows. If None, that of `estimator` or a square.

    Returns
    -------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        The images as uint8, or as float from 0 to 1.
    """
    for step in _first_steps(estimator):
        if isinstance(step, READERS):
            X = step.transform(X)
        fitted = getattr(step, "image_shape_", None)
        array = np.asanyarray(as_array(X))
        if image_shape is None and fitted is not None and array.ndim == 2:
            image_shape = fitted if int(np.prod(fitted)) == array.shape[1] else None
    images, _ = to_images(np.asanyarray(as_array(X)), image_shape, picture=True)
    if images.shape[3] not in (1, 3):
        raise ValueError(f"got images of {images.shape[3]} channels, expected gray or RGB images")
    if images.shape[3] == 1:
        images = images[..., 0]
    if images.dtype != np.uint8:
        images = images.astype(np.float64)
        if not np.isfinite(images).all():
            raise ValueError("got images with NaN or infinity, expected finite pixels")
        low, high = images.min(initial=0), images.max(initial=1)
        if low == 0 and 1 < high <= 255:
            high = 255
        images = (images - low) / (high - low)
    return images


def _first_steps(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, or the estimator, if there is one."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if estimator is None:
        return []
    if not isinstance(estimator, Pipeline):
        return [estimator]
    return [step for _, step in estimator.steps if step not in (None, "passthrough")]


def select(X: Any, rows: Any) -> Any:
    """Return some rows of an array-like, a list or a table."""
    return X[rows] if isinstance(X, np.ndarray) else _safe_indexing(X, np.arange(len(X))[rows])


def draw_grid(
    images: NDArray,
    titles: Sequence[str],
    *,
    framed: Sequence[bool] | None = None,
    n_columns: int,
    ax: Axes | None,
) -> Axes:
    """Draw images in rows, each below its title.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
        The images, as :func:`pictures` returns them.
    titles : sequence of str
        The title of each image, of one line or more.
    framed : sequence of bool, default=None
        Which images have a thick frame, and a bold title. If None, none has.
    n_columns : int
        The number of images in a row.
    ax : matplotlib Axes or None
        The axes to draw on. If None, a new figure is created.

    Returns
    -------
    ax : matplotlib Axes
        The axes.

    Raises
    ------
    TypeError
        If `ax` is not matplotlib Axes.
    """
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

    height = images.shape[1] / images.shape[2]
    text_height = _LINE * max([title.count("\n") + 1 for title in titles if title], default=0)
    n_columns = max(1, min(n_columns, len(images)))
    n_rows = max(1, -(-len(images) // n_columns))
    width, step = n_columns * (1 + _GAP) - _GAP, height + text_height + _GAP
    if ax is None:
        from matplotlib import pyplot as plt

        figsize = (1.1 * width + 0.2, 1.1 * n_rows * step + 0.2)
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    if not isinstance(ax, Axes):
        raise TypeError(f"got ax={ax!r}, expected matplotlib Axes")
    for i, (image, title) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(i, n_columns)
        left, top = column * (1 + _GAP), row * step + text_height
        most = 255 if image.dtype == np.uint8 else 1
        extent = (left, left + 1, top + height, top)
        ax.imshow(image, cmap="gray", vmin=0, vmax=most, extent=extent)
        strong = framed is not None and bool(framed[i])
        ax.text(
            left + 0.5,
            top - 0.04,
            title,
            ha="center",
            va="bottom",
            fontsize="small",
            fontweight="bold" if strong else "normal",
            linespacing=1.05,
            parse_math=False,
        )
        if strong:
            frame = Rectangle((left, top), 1, height, fill=False, edgecolor="black", linewidth=2.5)
            ax.add_patch(frame)
    ax.set(xlim=(-0.03, width + 0.03), ylim=(n_rows * step - _GAP + 0.03, 0), aspect="equal")
    ax.set_axis_off()
    return ax


def short_name(label: object) -> str:
    """Return the name of a class, cut if it is longer than an image is wide."""
    name = " ".join(str(label).split())
    if len(name) <= _LONGEST_NAME:
        return name
    return shorten(name, _LONGEST_NAME, placeholder="…") if " " in name[:9] else name[:13] + "…"
