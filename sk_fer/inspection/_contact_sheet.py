"""A plot of some images of each class."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.utils import Bunch

from sk_fer._utils._constraints import Interval, validate_params

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 64  # pixels of an image in the sheet


class ContactSheetDisplay:
    """Plot of some images of each class of a data set, a row for each class.

    It is recommended to use :meth:`from_bunch` to create it.

    Parameters
    ----------
    sheet : ndarray of shape (height, width, 3), dtype uint8
        The images of all classes as one picture.
    class_names : list of str
        The classes, from top to bottom.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the images.
    figure_ : matplotlib Figure
        The figure that contains the axes.

    See Also
    --------
    sk_fer.model_selection.describe_faces : Describe a data set.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import ContactSheetDisplay
    >>> display = ContactSheetDisplay.from_bunch(make_faces(70, return_X_y=False), n_images=5)
    >>> display.sheet.shape, display.class_names[0]
    ((448, 320, 3), 'angry')
    """

    def __init__(self, sheet: NDArray[np.uint8], class_names: list[str]) -> None:
        self.sheet = sheet
        self.class_names = class_names

    @classmethod
    @validate_params(
        {
            "bunch": [Bunch],
            "n_images": [Interval(Integral, 1, None, closed="left")],
            "random_state": [Interval(Integral, 0, None, closed="left")],
        }
    )
    def from_bunch(
        cls, bunch: Bunch, *, n_images: int = 10, random_state: int = 0, ax: Axes | None = None
    ) -> Self:
        """Plot images of each class that are chosen at random.

        Parameters
        ----------
        bunch : :class:`~sklearn.utils.Bunch`
            The data set, as the loaders return it.
        n_images : int, default=10
            The number of images of each class, where it has as many.
        random_state : int, default=0
            The seed of the choice.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : ContactSheetDisplay
            The display, with the plot.

        Raises
        ------
        ValueError
            If the data set has no labels.
        """
        target = bunch.get("target")
        if target is None:
            raise ValueError("the data set has no labels, expected a Bunch with a target")
        target = np.asarray(target)
        if target.ndim == 2:  # shares
            target = np.asarray(bunch["target_names"])[target.argmax(axis=1)]
        names = np.unique(target).tolist()
        rng = np.random.default_rng(random_state)
        sheet = np.full((_SIDE * len(names), _SIDE * n_images, 3), 255, dtype=np.uint8)
        for row, name in enumerate(names):
            of_class = np.flatnonzero(target == name)
            chosen = rng.choice(of_class, min(n_images, len(of_class)), replace=False)
            for column, i in enumerate(np.sort(chosen).tolist()):
                picture = Image.fromarray(np.ascontiguousarray(bunch["images"][i])).convert("RGB")
                picture.thumbnail((_SIDE, _SIDE))
                if picture.width < _SIDE and picture.height < _SIDE:
                    factor = _SIDE / max(picture.size)
                    size = (round(picture.width * factor), round(picture.height * factor))
                    picture = picture.resize(size)
                top, left = row * _SIDE, column * _SIDE
                pixels = np.asarray(picture)
                sheet[top : top + len(pixels), left : left + pixels.shape[1]] = pixels
        return cls(sheet, [str(name) for name in names]).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Plot the images.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : ContactSheetDisplay
            The display itself, with the plot.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            height, width = self.sheet.shape[:2]
            _, ax = plt.subplots(figsize=(1.2 + width / 100, height / 100), layout="constrained")
        ax.imshow(self.sheet)
        ax.set_yticks(
            [_SIDE * (row + 0.5) for row in range(len(self.class_names))], self.class_names
        )
        ax.set_xticks([])
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        self.ax_: Any = ax
        self.figure_ = ax.figure
        return self
