"""A plot of the features of images in two dimensions."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_classifier
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from sk_fer.inspection._face_grid import short_name

if TYPE_CHECKING:
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

METHODS = ("pca", "tsne")

# For colour-blind people; the shapes differ as well.
_COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#7f7f7f", "#56b4e9", "#cc79a7", "#000000")
_MARKERS = "os^vDP*X"
_PERPLEXITY = 30  # the default of scikit-learn, for as many images


class EmbeddingDisplay:
    """Plot of the features of images in two dimensions, by class.

    Images of classes that the features separate are apart from each other. The name of each class
    is at the median of its images, or above it if it would cover another name. It is recommended to
    use :meth:`from_estimator` or :meth:`from_embedding` to create the display.

    Parameters
    ----------
    embedding : ndarray of shape (n_images, 2)
        The position of each image.
    y : ndarray of shape (n_images,)
        The labels of the images.
    axis_names : tuple of (str, str), default=("", "")
        The names of the two axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the plot.
    figure_ : matplotlib Figure
        The figure that contains the axes.

    See Also
    --------
    sk_fer.FERFeatures : Extract the features of images.
    SaliencyDisplay : Plot the pixels that predictions depend on.

    Notes
    -----
    The distances between groups of t-SNE and the sizes of its groups have no meaning. In a plot of
    principal components, the axes say how much of the variance they explain: classes that overlap
    in two components can still be apart in others.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import EmbeddingDisplay
    >>> X, y = make_faces(140, random_state=0)
    >>> model = FERDenseClassifier((16,), max_epochs=1, random_state=0).fit(X[:70], y[:70])
    >>> display = EmbeddingDisplay.from_estimator(model, X[70:], y[70:])
    >>> display.embedding.shape
    (70, 2)
    """

    def __init__(
        self, embedding: NDArray, y: NDArray, *, axis_names: tuple[str, str] = ("", "")
    ) -> None:
        self.embedding = embedding
        self.y = y
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        method: str = "pca",
        random_state: int | None = 0,
        ax: Any = None,
    ) -> Self:
        """Compute the features of images, and plot them in two dimensions.

        Parameters
        ----------
        estimator : classifier, transformer or Pipeline
            A fitted classifier of sk_fer, whose features are the input of its last part, with the
            mean of each channel of a feature map. Or :class:`~sk_fer.FERFeatures`, or any
            transformer. Or a Pipeline or a search with one of these as the last step, or with
            another classifier, whose input is plotted.
        X : array-like of shape (n_samples, ...)
            The images, in a form that the estimator takes.
        y : array-like of shape (n_samples,)
            The labels of the images.
        method : {"pca", "tsne"}, default="pca"
            How the features are brought to two dimensions: the first two principal components, or
            t-SNE, which is slower and keeps near images near.
        random_state : int, default=0
            The seed of the method. If None, the result differs between calls.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : EmbeddingDisplay
            The display, with the plot.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator has no features, or if `ax` is not matplotlib Axes.
        ValueError
            If X and y differ in length, if there are fewer than three images or fewer than two
            features, or if `method` is not valid.
        """
        check_is_fitted(estimator)
        if method not in METHODS:
            raise ValueError(f"got method={method!r}, expected one of {', '.join(METHODS)}")
        labels: NDArray = column_or_1d(y)
        check_consistent_length(X, labels)
        features = _features(estimator, X)
        n_images, n_features = features.shape
        if n_images < 3 or n_features < 2:
            raise ValueError(
                f"got {n_images} images with {n_features} features, expected three images and two "
                "features or more"
            )
        if method == "tsne":
            perplexity = min(_PERPLEXITY, (n_images - 1) / 3)
            embedding = TSNE(perplexity=perplexity, random_state=random_state).fit_transform(
                features
            )
            return cls.from_embedding(embedding, labels, axis_names=("t-SNE 1", "t-SNE 2"), ax=ax)
        pca = PCA(2, random_state=random_state)
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            # of features that are the same for all images
            warnings.filterwarnings("ignore", "invalid value encountered", RuntimeWarning)
            embedding = pca.fit_transform(features)
        first, second = np.nan_to_num(pca.explained_variance_ratio_)
        names = (f"Component 1 ({first:.0%} of variance)", f"Component 2 ({second:.0%})")
        return cls.from_embedding(embedding, labels, axis_names=names, ax=ax)

    @classmethod
    def from_embedding(
        cls,
        embedding: ArrayLike,
        y: ArrayLike,
        *,
        axis_names: tuple[str, str] = ("", ""),
        ax: Any = None,
    ) -> Self:
        """Plot given positions of images.

        Parameters
        ----------
        embedding : array-like of shape (n_images, 2)
            The position of each image, from any method.
        y : array-like of shape (n_images,)
            The labels of the images.
        axis_names : tuple of (str, str), default=("", "")
            The names of the two axes.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : EmbeddingDisplay
            The display, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If the positions are not finite and of shape (n_images, 2), or if the arrays differ in
            length.
        """
        positions: NDArray = check_array(embedding, input_name="embedding")
        if positions.shape[1] != 2:
            raise ValueError(f"got an embedding of shape {positions.shape}, expected (n_images, 2)")
        labels: NDArray = column_or_1d(y)
        check_consistent_length(positions, labels)
        return cls(positions, labels, axis_names=axis_names).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Plot the positions.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : EmbeddingDisplay
            The display itself, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        """
        from matplotlib.axes import Axes
        from matplotlib.patheffects import withStroke

        if ax is None:
            from matplotlib import pyplot as plt

            _, ax = plt.subplots(figsize=(7, 5), layout="constrained")
        if not isinstance(ax, Axes):
            raise TypeError(f"got ax={ax!r}, expected matplotlib Axes")
        names: list[Annotation] = []
        size = float(np.clip(12_000 / len(self.y), 12, 40))
        for i, label in enumerate(np.unique(self.y).tolist()):
            x, y = self.embedding[self.y == label].T
            ax.scatter(
                x,
                y,
                s=size,
                color=_COLORS[i % len(_COLORS)],
                marker=_MARKERS[(i + i // len(_COLORS)) % len(_MARKERS)],
                alpha=0.7,
                linewidths=0,
                label=short_name(label),
            )
            name = ax.annotate(
                short_name(label),
                (np.median(x), np.median(y)),
                xytext=(0, 0),
                textcoords="offset points",
                ha="center",
                va="center",
                fontweight="bold",
                parse_math=False,
            )
            name.set_path_effects([withStroke(linewidth=3, foreground="white")])
            names.append(name)
        ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1], xticks=[], yticks=[])
        ax.spines[["top", "right"]].set_visible(False)
        legend = ax.legend(
            frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=1.6
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
        _move_apart(names)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _move_apart(names: list[Annotation]) -> None:
    """Move names up, so that none covers another one."""
    figure: Any = names[0].get_figure(root=True)
    figure.draw_without_rendering()  # the layout decides where the names are
    boxes = {name: name.get_window_extent() for name in names}
    placed: list[Bbox] = []
    for name, box in sorted(boxes.items(), key=lambda item: item[1].y0):
        while covered := [other for other in placed if other.overlaps(box)]:
            box = box.translated(0, max(other.y1 for other in covered) - box.y0 + 1)
        name.set_position((0, (box.y0 - boxes[name].y0) * 72 / figure.dpi))
        placed.append(box)


def _features(estimator: Any, X: Any) -> NDArray:
    """Return the features of images as flat rows."""
    model = getattr(estimator, "best_estimator_", estimator)
    if isinstance(model, Pipeline):
        last = model[-1]
        if is_classifier(last) or last in (None, "passthrough"):
            X = model[:-1].transform(X) if len(model) > 1 else X
            if not hasattr(last, "net_"):
                return _flat(X)
            model = last
    if is_classifier(model) and hasattr(model, "net_"):
        features = model.net_.features(model._new_dataset(X), pooled=False)
        return features.mean(axis=(2, 3)) if features.ndim == 4 else _flat(features)
    if not hasattr(model, "transform"):
        raise TypeError(
            f"{type(model).__name__} has no features; expected a classifier of sk_fer, a "
            "transformer such as FERFeatures, or a Pipeline with one of them"
        )
    return _flat(model.transform(X))


def _flat(features: Any) -> NDArray:
    array: NDArray = check_array(np.asarray(features), allow_nd=True, input_name="the features")
    return array.reshape(len(array), -1)
