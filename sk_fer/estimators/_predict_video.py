"""Predictions for the faces in a video, frame by frame."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import HasMethods, StrOptions

from sk_fer._utils._constraints import Interval, validate_params
from sk_fer.estimators._model_images import image_shape
from sk_fer.estimators._predict_faces import BEFORE_CLASSES, cropper_of, face_table
from sk_fer.faces import FaceDetector
from sk_fer.faces._detector import DETECTORS
from sk_fer.faces._same_face import FacesOverTime

if TYPE_CHECKING:
    import pandas as pd


class VideoFrame(NamedTuple):
    """A frame of a video, and the faces that were found last.

    Faces are searched in some of the frames only.

    Parameters
    ----------
    time : float
        The seconds since the start of the video.
    pixels : ndarray of shape (height, width, 3), dtype uint8
        The upright RGB pixels of the frame.
    searched : bool
        Whether faces were searched in this frame. Otherwise, `table` is that of the last frame in
        which they were searched.
    table : DataFrame
        The faces, with the columns of :func:`~sk_fer.predict_faces`. ``face`` is the number of the
        face in the video, from 0: the same face has the same number in all frames.

    See Also
    --------
    predict_video : The function that returns these frames.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_fer import load_pretrained, predict_faces
    >>> from sk_fer.estimators import VideoFrame
    >>> pixels = np.full((60, 80, 3), 128, np.uint8)
    >>> table = predict_faces(load_pretrained(), [pixels], detector="lbp")
    >>> VideoFrame(0.0, pixels, True, table).searched
    True
    """

    time: float
    pixels: NDArray[np.uint8]
    searched: bool
    table: pd.DataFrame


@validate_params(
    {
        "model": [HasMethods("predict_proba")],
        "path": [str, os.PathLike],
        "every": [Interval(Real, 0, None, closed="left")],
        "smooth": [Interval(Real, 0, None, closed="left")],
        "detector": [StrOptions({"auto", *DETECTORS}), FaceDetector, None],
    }
)
def predict_video(
    model: Any,
    path: str | os.PathLike[str],
    *,
    every: float = 0.5,
    smooth: float = 1.0,
    detector: Any = None,
) -> Generator[VideoFrame]:
    """Find the faces in a video, and predict their expressions over time.

    The video is read frame by frame, so that its length does not matter for the memory.

    Parameters
    ----------
    model : classifier
        A fitted classifier, as for :func:`~sk_fer.predict_faces`.
    path : str or path-like
        The video: any file that FFmpeg can read.
    every : float, default=0.5
        The seconds between two frames in which faces are searched. 0 stands for each frame.
    smooth : float, default=1.0
        The probabilities of a face are their mean over the past, in which the weight of a frame
        falls to 37 % after this number of seconds. 0 stands for the frame alone.
    detector : {"auto", "yunet", "lbp", "whole"} or FaceDetector, default=None
        The detector, as for :func:`~sk_fer.predict_faces`.

    Returns
    -------
    frames : generator of VideoFrame
        All frames of the video, in their order. The file is open until the generator ends or is
        closed.

    Raises
    ------
    ImportError
        If PyAV is not installed, or a package that the detector requires.
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If a parameter is not valid, or if the file is not a video, has no video stream or no
        frames. A file without frames is found at the first frame.

    Warns
    -----
    UserWarning
        If the file ends before the length that it states, or if a frame cannot be decoded. The
        frames before are predicted.

    See Also
    --------
    sk_fer.predict_faces : Predict the expressions in photographs.

    Notes
    -----
    A face is the same as one in an earlier frame if their boxes overlap by at least 30 % of their
    union, and the earlier one was found at most two searches or one second ago.

    Examples
    --------
    >>> from sk_fer import load_pretrained, predict_video
    >>> for frame in predict_video(load_pretrained(), "talk.mp4"):  # doctest: +SKIP
    ...     if frame.searched:
    ...         print(frame.time, frame.table["label"].tolist())
    """
    path = os.fspath(path)
    container = _open(path)
    cropping = cropper_of(model, image_shape(model), detector).open()
    return _frames(model, path, container, cropping, float(every), float(smooth))


def _open(path: str) -> Any:
    """Open a video, and check that it has pictures."""
    try:
        import av
    except ImportError as error:
        raise ImportError(
            'videos require PyAV: run pip install ".[video]" in the clone of sk_fer'
        ) from error
    try:
        container = av.open(path)
    except av.error.FFmpegError as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise ValueError(f"{path}: not a video that FFmpeg can read: {error.strerror}") from error
    if not container.streams.video:
        container.close()
        raise ValueError(f"{path}: contains no video stream; expected a video with pictures")
    return container


def _frames(
    model: Any, path: str, container: Any, cropping: Any, every: float, smooth: float
) -> Generator[VideoFrame]:
    import pandas as pd

    over_time = FacesOverTime(smooth=smooth, forget_after=max(1.0, 2 * every))
    n_first = len(BEFORE_CLASSES)
    due, table, time = -np.inf, cast("pd.DataFrame", None), None
    with closing(container):
        for time, pixels in _decoded(path, container):
            searched = table is None or time >= due
            if searched:
                due = time + every - 1e-6  # the times of frames are rounded
                faces, crops = cropping.find(pixels)
                table = face_table(model, [(path, faces, None)], crops)
                if len(faces):
                    probabilities = table.iloc[:, n_first:-1].to_numpy(float)
                    numbers, smoothed = over_time.update(time, faces.boxes, probabilities)
                    names = model.classes_[smoothed.argmax(axis=1)].tolist()
                    labels: Any = pd.Series(names, table.index, dtype=object)
                    # By position: a class can have any name.
                    table.isetitem(0, pd.array(numbers, dtype="Int64"))
                    table.isetitem(n_first - 1, labels)
                    table.iloc[:, n_first:-1] = smoothed
            yield VideoFrame(time, pixels, searched, table)
    if time is None:
        raise ValueError(f"{path}: contains no frame that can be decoded")


def _decoded(path: str, container: Any) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the time and the upright pixels of each frame, and warn if the file is truncated."""
    import av

    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    step = 1 / float(stream.average_rate or 25)
    if stream.duration:
        stated = float(stream.duration * stream.time_base)
    else:
        stated = container.duration / av.time_base if container.duration else 0.0
    start, time, n_frames = None, -step, 0
    try:
        for frame in container.decode(stream):
            if frame.time is None:
                time += step
            else:
                start = frame.time if start is None else start
                if frame.time - start < time:  # the clock of the file starts again
                    start = frame.time - time - step
                time = frame.time - start
            n_frames += 1
            pixels = frame.to_ndarray(format="rgb24")
            yield time, np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
    except av.error.FFmpegError as error:
        if n_frames:
            warnings.warn(
                f"{path}: ends after {time:.1f} s with an error: {error.strerror}; the frames "
                "before are used",
                stacklevel=4,
            )
        return
    if n_frames and time + step < stated - max(0.5, 0.02 * stated):
        warnings.warn(
            f"{path}: ends after {time:.1f} s, but states a length of {stated:.1f} s; it is "
            "probably truncated",
            stacklevel=4,
        )
