"""A plot of the pixels that a prediction depends on."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _num_samples, check_is_fitted

from sk_fer._utils._as_array import as_array
from sk_fer._utils._layout import to_images
from sk_fer._utils._probabilities import check_probabilities
from sk_fer.inspection._face_grid import check_count, draw_grid, pictures, select, short_name
from sk_fer.inspection._steps import split_preprocessing

METHODS = ("occlusion", "grad_cam")

_STEPS_ACROSS = 6  # how many squares of occlusion fit into the shorter side


class SaliencyDisplay:
    """Plot of images with the places that the predicted class depends on.

    The brighter a place, the more the prediction depends on it. A line surrounds the places with
    at least half of the largest value in the image. It is recommended to use
    :meth:`from_estimator` to create the display.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
        The images, as uint8 or as float from 0 to 1.
    maps : ndarray of shape (n_images, height, width)
        How much the class depends on each pixel. Negative values are evidence against it. For
        "occlusion", the loss of probability, from -1 to 1.
    labels : ndarray of shape (n_images,)
        The class of each map.
    confidence : ndarray of shape (n_images,)
        The probability of this class, from 0 to 1.
    method : {"occlusion", "grad_cam"}
        How the maps were computed.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the images.
    figure_ : matplotlib Figure
        The figure that contains the axes.

    See Also
    --------
    MistakesDisplay : Plot the most confident errors of a classifier.
    EmbeddingDisplay : Plot the features of images in two dimensions.

    Notes
    -----
    A map says on which pixels this classifier depends. It does not say that the prediction is
    right, nor what a person looks at.

    Grad-CAM uses the last feature map with at least 5 x 5 cells, which is then resized. A smaller
    one would not show a place: for images of 48 x 48 pixels, the last one of most networks has
    3 x 3 cells. An image without a bright place has no evidence for the class in this map.

    References
    ----------
    .. [1] Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014:
       occlusion.
    .. [2] Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
       Localization", ICCV 2017.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sk_fer import FERDenseClassifier
    >>> from sk_fer.datasets import make_faces
    >>> from sk_fer.inspection import SaliencyDisplay
    >>> X, y = make_faces(70, random_state=0)
    >>> model = FERDenseClassifier((16,), max_epochs=1, random_state=0).fit(X, y)
    >>> display = SaliencyDisplay.from_estimator(model, X, n_images=4)
    >>> display.maps.shape
    (4, 48, 48)
    """

    def __init__(
        self,
        images: NDArray,
        maps: NDArray,
        *,
        labels: NDArray,
        confidence: NDArray,
        method: str,
    ) -> None:
        self.images = images
        self.maps = maps
        self.labels = labels
        self.confidence = confidence
        self.method = method

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        method: str = "occlusion",
        target: Any = None,
        n_images: int = 7,
        window: int | None = None,
        n_columns: int = 7,
        ax: Any = None,
    ) -> Self:
        """Compute and plot the maps of the first images.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier, Pipeline or search with ``predict_proba``. The steps of a Pipeline
            that read or change images are applied first, and the display shows their results.
        X : array-like of shape (n_samples, ...)
            The images, in a form that ``estimator.predict_proba`` takes.
        method : {"occlusion", "grad_cam"}, default="occlusion"
            How the maps are computed. "occlusion" hides a square of the image at each position and
            measures how much the probability of the class becomes smaller. It needs no gradients,
            so that it is suitable for all classifiers of images. "grad_cam" weighs the channels of
            the last feature map of a convolutional network by their mean gradients. It is faster
            and requires a classifier of sk_fer, alone or as the last step of a Pipeline.
        target : label, default=None
            The class that is explained. If None, the predicted class of each image.
        n_images : int, default=7
            The number of images, where X has as many.
        window : int, default=None
            The side of the hidden square in pixels, for "occlusion". If None, a sixth of the
            shorter side of the image. The square moves by half of its side.
        n_columns : int, default=7
            The number of images in a row.
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.

        Returns
        -------
        display : SaliencyDisplay
            The display, with the plot.

        Raises
        ------
        ImportError
            If Captum is not installed: ``pip install ".[saliency]"``.
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If the classifier has no ``predict_proba``, if it is not a classifier of sk_fer and
            `method` is "grad_cam", or if `ax` is not matplotlib Axes.
        ValueError
            If X does not contain images, if the images are too small for the method, if the
            network has no convolution and `method` is "grad_cam", if `target` is not a class of
            the classifier, if the predictions are not probabilities, or if another parameter is
            not valid.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(f"{type(estimator).__name__} has no predict_proba, which is required")
        if method not in METHODS:
            raise ValueError(f"got method={method!r}, expected one of {', '.join(METHODS)}")
        check_count("n_images", n_images)
        X = select(X, slice(min(n_images, _num_samples(X))))
        steps, model = split_preprocessing(estimator)
        for step in steps:
            X = step.transform(X)
        X = np.asanyarray(as_array(X))
        shown = pictures(X, estimator=model)
        with warnings.catch_warnings():  # of a model that was fitted on a table
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            probabilities = np.asarray(model.predict_proba(X))
            targets = _positions(model.classes_.tolist(), target, probabilities)
            check_probabilities(model.classes_[targets], probabilities, model.classes_)
            if method == "grad_cam":
                maps = _grad_cam(model, X, targets, shown.shape[1:3])
            else:
                maps = _occlusion(model, X, targets, shown.shape[1:], window)
        return cls(
            shown,
            maps,
            labels=model.classes_[targets],
            confidence=probabilities[np.arange(len(targets)), targets],
            method=method,
        ).plot(ax, n_columns=n_columns)

    def plot(self, ax: Any = None, *, n_columns: int = 7) -> Self:
        """Plot the images and the maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to plot on. If None, a new figure is created.
        n_columns : int, default=7
            The number of images in a row.

        Returns
        -------
        display : SaliencyDisplay
            The display itself, with the plot.

        Raises
        ------
        TypeError
            If `ax` is not matplotlib Axes.
        ValueError
            If `n_columns` is not a positive integer.
        """
        check_count("n_columns", n_columns)
        titles = [
            f"{short_name(label)} {share:.0%}"
            for label, share in zip(self.labels, self.confidence, strict=True)
        ]
        shown = np.array([overlay(*pair) for pair in zip(self.images, self.maps, strict=True)])
        ax = draw_grid(shown, titles, n_columns=n_columns, ax=ax)
        for face, values in zip(ax.images[-len(titles) :], self.maps, strict=True):
            left, right, bottom, top = face.get_extent()
            if values.max() > 0:
                ax.contour(
                    values / values.max(),
                    levels=[0.5],
                    colors="white",
                    linewidths=1,
                    extent=(left, right, top, bottom),
                )
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _positions(classes: list[Any], target: Any, probabilities: NDArray) -> NDArray[np.intp]:
    if target is None:
        return probabilities.argmax(axis=1)
    if target not in classes:
        raise ValueError(f"got target={target!r}, expected one of {classes}")
    return np.full(len(probabilities), classes.index(target), dtype=np.intp)


def _grad_cam(
    model: BaseEstimator, X: NDArray, targets: NDArray[np.intp], size: tuple[int, ...]
) -> NDArray[np.float32]:
    from sk_fer.training._attributions import grad_cam

    last: Any = model
    if isinstance(model, Pipeline):
        last, X = model[-1], model[:-1].transform(X)
    if not (is_classifier(last) and hasattr(last, "net_")):
        raise TypeError(
            f"method='grad_cam' requires a classifier of sk_fer, got {type(last).__name__}; use "
            "method='occlusion'"
        )
    height, width = size
    return grad_cam(last.net_.module_, last._new_dataset(X), targets, (height, width))


def _occlusion(
    model: Any, X: NDArray, targets: NDArray[np.intp], shape: tuple[int, ...], window: int | None
) -> NDArray[np.float32]:
    from sk_fer.training._attributions import occlusion

    images, _ = to_images(X, (*shape, 1)[:3] if X.ndim == 2 else None)
    side = min(images.shape[1:3])
    if window is None:
        window = max(1, round(side / _STEPS_ACROSS))
    check_count("window", window)
    if window >= side:
        raise ValueError(
            f"got window={window} for images of {images.shape[1]} x {images.shape[2]} pixels, "
            "which are too small for it; expected a square that is smaller than the image"
        )

    def predict(values: NDArray) -> NDArray:
        return model.predict_proba(values.reshape(len(values), *X.shape[1:]))

    return occlusion(predict, images, targets, window, max(1, window // 2))


def overlay(image: NDArray, values: NDArray) -> NDArray[np.float64]:
    """Return an image with the positive part of its map over it, as RGB from 0 to 1."""
    from matplotlib import colormaps

    pixels = image / 255 if image.dtype == np.uint8 else image
    pixels = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    shares = values.clip(0) / max(values.max(), np.finfo(float).tiny)
    alpha = 0.75 * shares[..., np.newaxis]
    return (1 - alpha) * pixels + alpha * colormaps["inferno"](shares)[..., :3]
